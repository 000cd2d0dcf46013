import { expect, it } from "vitest";

import { readActions, readUnguarded } from "./by-tool.ts";

const names = ["bash", "read"];

it("reads the options that go by the names of tools", () => {
  const binding = { action_type: "execute_shell", payload: { command: "args.cmd" } };
  expect([...readActions({ bash: binding, read: undefined, other: undefined }, names)]).toEqual([["bash", binding]]);
  expect([...readUnguarded(["read", "read"], names)]).toEqual(["read"]);
  expect([readActions(undefined, names).size, readUnguarded(undefined, names).size]).toEqual([0, 0]);
});

it.each<readonly [unknown, string]>([
  [{ bsh: {} }, "`actions` names `bsh`, and there is no such tool, did you mean `bash`?"],
  [{ constructor: {} }, "`actions` names `constructor`"],
  [JSON.parse('{"__proto__":{}}'), "`actions` names `__proto__`"],
  [[], "`actions` is not an object of bindings by tool"],
  [null, "`actions` is not an object of bindings by tool"],
  ["bash", "`actions` is not an object of bindings by tool"],
])("refuses %j as actions", (actions, message) => {
  expect(() => readActions(actions, names)).toThrow(message);
});

it.each<readonly [unknown, string]>([
  [["raed"], "`allowUnguarded` names `raed`, and there is no such tool, did you mean `read`?"],
  [[["read", "x"]], "`allowUnguarded` names `read,x`"],
  ["read", "`allowUnguarded` is not a list of tool names"],
  [new Set(["read"]), "`allowUnguarded` is not a list of tool names"],
])("refuses %j as names of tools that stay unguarded", (allowUnguarded, message) => {
  expect(() => readUnguarded(allowUnguarded, names)).toThrow(message);
});

import { describe, expect, it } from "vitest";

import { CanopyError } from "../errors.ts";
import { argumentKeys } from "../policy/bindings.ts";
import { prepareBindings } from "./binding.ts";

function refusalOf(binding: unknown): unknown {
  try {
    return prepareBindings("bash", binding);
  } catch (error) {
    return error;
  }
}

describe("bindings", () => {
  it("become the form that policies bind tools with", () => {
    const option = { action_type: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir" }, ignore: ["args.description"] };
    expect(prepareBindings("bash", option)).toEqual([
      { actionType: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir" }, ignore: ["args.description"] },
    ]);
  });

  it("may be several for a tool that does several things", () => {
    const fetch = { action_type: "call_external_api", payload: { url: "args.url" } };
    const write = { action_type: "modify_file", payload: { path: "args.to" } };
    expect(prepareBindings("download", [fetch, write]).map((binding) => binding.actionType)).toEqual(["call_external_api", "modify_file"]);
  });

  it("are a copy that nobody can change later", () => {
    const option = { action_type: "read_file", payload: { path: "args.path" }, ignore: [] as string[] };
    const [prepared] = prepareBindings("read", option);
    option.payload.path = "args.decoy";
    option.ignore.push("args.path");
    expect(prepared).toEqual({ actionType: "read_file", payload: { path: "args.path" }, ignore: [] });
    expect(Object.isFrozen(prepared)).toBe(true);
  });

  it.each([
    [{ actionType: "read_file", payload: {} }, "unknown key `actionType`, did you mean `action_type`?"],
    [{ action_type: "read_file", payload: { path: "args.p" }, ignored: [] }, "unknown key `ignored`, did you mean `ignore`?"],
    [{ action_type: "read_file", payload: { path: "args.p" }, [Symbol("x")]: 1 }, "unknown key `Symbol(x)`"],
    [{ action_type: "", payload: {} }, "needs an `action_type`"],
    [{ payload: {} }, "needs an `action_type`"],
    [{ action_type: "read_file" }, "needs a `payload`"],
    [{ action_type: "read_file", payload: ["args.p"] }, "needs a `payload`"],
    [{ action_type: "read_file", payload: { pth: "args.p" } }, "maps `pth`, which `read_file` does not have, did you mean `path`?"],
    [{ action_type: "read_file", payload: {} }, "does not map `path`, which `read_file` requires"],
    [{ action_type: "read_file", payload: { path: "path" } }, "the path `path`, which does not lead into `args`: write `args.name`"],
    [{ action_type: "read_file", payload: { path: "args." } }, "the path `args.`"],
    [{ action_type: "read_file", payload: { path: "args?" } }, "the path `args?`"],
    [{ action_type: "read_file", payload: { path: "args.?" } }, "the path `args.?`"],
    [{ action_type: "read_file", payload: { path: "args..p" } }, "the path `args..p`"],
    [{ action_type: "read_file", payload: { path: "args[0]" } }, "the path `args[0]`"],
    [{ action_type: "read_file", payload: { path: "args.a[0]" } }, "the path `args.a[0]`"],
    [{ action_type: "read_file", payload: { path: 1 } }, "a path that is not a string"],
    [{ action_type: "read_file", payload: { path: "args.p", args: "args" } }, "maps `args`, which always carries the full arguments"],
    [{ action_type: "mine", payload: { ["__proto__"]: "args.p" } }, "maps `__proto__`"],
    [{ action_type: "mine", payload: { "a b": "args.p" } }, "maps `a b`, which is no name of a field"],
    [{ action_type: "mine", payload: {}, ignore: "args.p" }, "an `ignore` that is not a list"],
    [{ action_type: "mine", payload: {}, ignore: ["p"] }, "the path `p`"],
    [{ action_type: "mine", toPayload: 1 }, "`toPayload` that is not a function"],
    [{ action_type: "mine", toPayload: () => ({}), payload: {} }, "a payload has one source"],
    [[], "an empty list"],
    [[[]], "is not an object"],
    [null, "is not an object"],
    ["execute_shell", "is not an object"],
  ])("are refused with the place and a way out: %j", (binding, message) => {
    const error = refusalOf(binding);
    expect(error).toBeInstanceOf(CanopyError);
    expect(error).toMatchObject({ code: "INVALID_OPTIONS", message: expect.stringContaining(message) as string });
  });
});

describe("a path", () => {
  it("leads to the arguments or to a member of them", () => {
    expect(argumentKeys("args")).toEqual([]);
    expect(argumentKeys("args.a.b")).toEqual(["a", "b"]);
    expect(argumentKeys("args.a?")).toEqual(["a"]);
    expect(argumentKeys("args?")).toBeUndefined();
    expect(argumentKeys("argsx.a")).toBeUndefined();
  });
});

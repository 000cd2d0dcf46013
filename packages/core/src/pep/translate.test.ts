import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { prepareBindings } from "./binding.ts";
import { snapshot, translate } from "./translate.ts";
import type { Translation } from "./translate.ts";

const shell = { action_type: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir?" }, ignore: ["args.description"] };

function call(args: unknown, ...bindings: unknown[]): Translation {
  return translate(
    "bash",
    snapshot(args),
    bindings.map((binding) => prepareBindings("bash", binding)),
  );
}

describe("a call of a bound tool", () => {
  it("becomes the bound action, with the full arguments beside its fields", () => {
    const args = { cmd: "ls", dir: "/tmp", description: "look" };
    expect(call(args, shell)).toEqual({
      actions: [{ actionType: "execute_shell", payload: { command: "ls", cwd: "/tmp", args } }],
      args,
    });
  });

  it("is open where an argument that is bound is not there", () => {
    expect(call({ dir: "/tmp" }, shell).actions[0]).toEqual({
      actionType: "execute_shell",
      payload: { cwd: "/tmp", args: { dir: "/tmp" } },
      open: ["argument `cmd` is bound and not there"],
    });
    const nested = { action_type: "mine", payload: { mode: "args.file.mode" } };
    expect(call({ file: "a" }, nested).actions[0].open).toEqual([
      "argument `file` is neither bound nor ignored",
      "argument `file.mode` is bound and not there",
    ]);
  });

  it("may do without an argument that is optional, and `null` is doing without", () => {
    expect(call({ cmd: "ls", dir: null }, shell).actions[0]).toEqual({
      actionType: "execute_shell",
      payload: { command: "ls", args: { cmd: "ls", dir: null } },
    });
    const strict = { action_type: "execute_shell", payload: { command: "args.cmd", cwd: "args.dir" } };
    expect(call({ cmd: "ls", dir: null }, strict).actions[0]).toEqual({
      actionType: "execute_shell",
      payload: { command: "ls", cwd: null, args: { cmd: "ls", dir: null } },
    });
  });

  it("is open where an argument is neither mapped nor ignored", () => {
    expect(call({ cmd: "ls", background: true, "x.y": 1 }, shell).actions[0].open).toEqual([
      "argument `background` is neither bound nor ignored",
      "argument `x.y` is neither bound nor ignored",
    ]);
  });

  it("is open where part of a nested argument is neither mapped nor ignored", () => {
    const nested = { action_type: "read_file", payload: { path: "args.file.path" }, ignore: ["args.file.encoding"] };
    expect(call({ file: { path: "a", encoding: "utf8" } }, nested).actions[0].open).toBeUndefined();
    expect(call({ file: { path: "a", follow: true } }, nested).actions[0].open).toEqual([
      "argument `file.follow` is neither bound nor ignored",
    ]);
    expect(call({ file: { path: "a" }, other: {} }, nested).actions[0].open).toEqual(["argument `other` is neither bound nor ignored"]);
    expect(call({ file: "a" }, nested).actions[0].open).toContain("argument `file` is neither bound nor ignored");
  });

  it("is not closed by an argument whose name only looks like a mapped path", () => {
    const nested = { action_type: "read_file", payload: { path: "args.file.path" } };
    expect(call({ "file.path": "/etc/passwd" }, nested).actions[0]).toEqual({
      actionType: "read_file",
      payload: { args: { "file.path": "/etc/passwd" } },
      open: ["argument `file.path` is neither bound nor ignored", "argument `file.path` is bound and not there"],
    });
  });

  it("reads list items by number, and nothing that an object only inherits", () => {
    const items = { action_type: "mine", payload: { first: "args.list.0", name: "args.constructor", size: "args.list.length" } };
    expect(call({ list: ["a"] }, items).actions[0].payload).toEqual({ first: "a", args: { list: ["a"] } });
  });

  it("says so once for many arguments that nobody bound", () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`a${index}`, 1]));
    expect(call({ cmd: "ls", ...many }, shell).actions[0].open).toHaveLength(9);
  });

  it("quotes argument names without control characters and cut short", () => {
    const [first] = call({ cmd: "ls", [`\n\u202e\`${"x".repeat(500)}`]: 1 }, shell).actions[0].open ?? [];
    expect(first).not.toMatch(/[\n\u202e]/u);
    expect(first?.length).toBeLessThan(120);
  });

  it("judges all the actions of a tool that does several things, which account for the arguments together", () => {
    const fetch = { action_type: "call_external_api", payload: { url: "args.url" } };
    const write = { action_type: "modify_file", payload: { path: "args.to" } };
    const args = { url: "https://a.example", to: "/tmp/a" };
    expect(call(args, [fetch, write]).actions).toEqual([
      { actionType: "call_external_api", payload: { url: args.url, args } },
      { actionType: "modify_file", payload: { path: args.to, args } },
    ]);
  });

  it("is judged for the actions of the adapter and of the policy, each of which accounts for every argument itself", () => {
    const policy = { action_type: "execute_shell", payload: { command: "args.cmd" } };
    const adapter = { action_type: "mine", payload: {}, ignore: ["args.cmd", "args.mode"] };
    expect(call({ cmd: "ls", mode: 1 }, adapter, policy).actions).toEqual([
      { actionType: "mine", payload: { args: { cmd: "ls", mode: 1 } } },
      {
        actionType: "execute_shell",
        payload: { command: "ls", args: { cmd: "ls", mode: 1 } },
        open: ["argument `mode` is neither bound nor ignored"],
      },
    ]);
  });

  it("never loses an argument: each is in the payload's arguments, and mapped, ignored or named as open", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (extra) => {
        const args = JSON.parse(JSON.stringify({ ...extra, cmd: "ls" })) as Record<string, unknown>;
        const taken = snapshot(args);
        if (taken.kind === "other") return;
        const [action] = translate("bash", taken, [prepareBindings("bash", shell)]).actions;
        const known = new Set(["cmd", "dir", "description"]);
        expect((action.payload as { args: unknown }).args).toEqual(args);
        expect((action.open ?? []).length > 0).toBe(Object.keys(args).some((key) => !known.has(key)));
      }),
    );
  });
});

describe("a call of a tool that nobody bound", () => {
  it("is an action type of its own, with its arguments as payload", () => {
    expect(translate("refund", snapshot({ id: 1 }), [[], []])).toEqual({
      actions: [{ actionType: "refund", payload: { id: 1 } }],
      args: { id: 1 },
    });
  });

  it("is the standard action that it is called like, where its arguments are that action's payload", () => {
    const args = { command: "ls", env: { A: "1" } };
    expect(translate("execute_shell", snapshot(args), []).actions).toEqual([{ actionType: "execute_shell", payload: args }]);
  });

  it("is open where arguments beside that payload could change what the call means", () => {
    const args = { command: "rm", args: ["-rf", "/"], cwd: "/tmp/safe", timeout: 1 };
    expect(translate("execute_shell", snapshot(args), []).actions).toEqual([
      {
        actionType: "execute_shell",
        payload: { command: "rm", args },
        open: ["args", "cwd", "timeout"].map((name) => `argument \`${name}\` is neither bound nor ignored`),
      },
    ]);
  });

  it("does not let the model choose the dialect that its query is read in", () => {
    const [action] = translate("execute_query", snapshot({ query: "SELECT 1", dialect: "sqlite" }), []).actions;
    expect(action.open).toEqual(["argument `dialect` is neither bound nor ignored"]);
    expect(action.payload).not.toHaveProperty("dialect");
  });

  it("may be called like a member of every object", () => {
    expect(translate("constructor", snapshot({ a: 1 }), []).actions).toEqual([{ actionType: "constructor", payload: { a: 1 } }]);
  });
});

describe("arguments", () => {
  it("share nothing with what the caller holds", () => {
    const args = { cmd: "ls", nested: { a: 1 } };
    const taken = snapshot(args);
    args.cmd = "rm -rf /";
    args.nested.a = 2;
    expect(taken).toEqual({ kind: "json", judged: { cmd: "ls", nested: { a: 1 } } });
  });

  it("that are not there are judged as an empty object", () => {
    expect(snapshot(undefined)).toEqual({ kind: "json", judged: {} });
  });

  it.each([
    [() => 1],
    [{ a: new Date(0) }],
    [
      {
        get a() {
          return 1;
        },
      },
    ],
    ["\ud800"],
    [{ a: Number.NaN }],
    [10n],
  ])("that are not JSON are refused: %o", (args) => {
    expect(call(args, shell).refused).toMatch(/^the arguments cannot be judged \(not JSON(?: at `|: )/);
    expect(call(args).refused).toMatch(/^the arguments cannot be judged \(not JSON(?: at `|: )/);
  });

  it("that are not JSON are judged by what the binding makes of them, which says that they are unprotected", () => {
    const binding = { action_type: "read_file", toPayload: (args: { file: URL }) => ({ path: args.file.pathname }) };
    expect(call({ file: new URL("file:///etc/passwd") }, binding)).toEqual({
      actions: [{ actionType: "read_file", payload: { path: "/etc/passwd" } }],
      args: { path: "/etc/passwd" },
      toctou: "unprotected",
    });
  });

  it("that are not JSON are refused where only some of the bindings can read them", () => {
    const computed = { action_type: "mine", toPayload: () => ({}) };
    expect(call({ f: () => 1 }, [computed, shell]).refused).toContain("not JSON");
    expect(call({ f: () => 1 }, computed, shell).refused).toContain("not JSON");
  });

  it("that are JSON stay protected where the binding makes the payload", () => {
    const binding = {
      action_type: "read_file",
      toPayload: (args: { dir: string; file: string }) => ({ path: `${args.dir}/${args.file}` }),
    };
    const args = { dir: "/a", file: "b" };
    expect(call(args, binding)).toEqual({ actions: [{ actionType: "read_file", payload: { path: "/a/b", args } }], args });
  });

  it("cannot be changed by the binding that reads them", () => {
    const binding = {
      action_type: "mine",
      toPayload: (args: { a: number }) => {
        args.a = 2;
        return {};
      },
    };
    expect(call({ a: 1 }, binding).refused).toContain("threw an error");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["is a promise", async () => ({})],
    ["is no JSON", () => ({ a: undefined, b: () => 1 })],
  ])("are refused where what the binding makes of them %s", (_, toPayload) => {
    const translation = call({ a: 1 }, { action_type: "mine", toPayload });
    expect(translation.refused).toBeDefined();
    expect(translation.refused).not.toContain("secret");
    expect(translation.args).toEqual({ a: 1 });
  });
});

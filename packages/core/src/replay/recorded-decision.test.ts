import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseEntry } from "../audit/read.ts";
import type { AuditEntry } from "../audit/read.ts";
import type { JsonObject } from "../json.ts";
import { readAnswer, readDecision } from "./recorded-decision.ts";

const sound: JsonObject = {
  avid: "AVID-0",
  agent_ctx: { env: "dev" },
  action_type: "execute_shell",
  payload: { command: "ls" },
  details: { disk: { "/srv": { real: "/srv", links: 1 } } },
  decision: "ALLOW",
  reason: "harmless",
  rules: [{ id: "r", decision: "ALLOW", file: "p.yaml", line: 3 }],
  policy_digest: "ab",
  trace_id: "t",
  enforced: true,
  engine: "0.1.0",
};

function entry(members: JsonObject): AuditEntry {
  return { seq: 1, ts: "2026-01-01T00:00:00.000Z", type: "decision", members };
}

const commitment = { $committed: "sha256:00", salt: "00", bytes: 5 };

function deep(levels: number): AuditEntry | null {
  return parseEntry(
    `{"v":1,"seq":1,"ts":"","type":"decision","decision":"ALLOW","agent_ctx":{},"action_type":"a","payload":${"[".repeat(levels)}${"]".repeat(levels)}}`,
  );
}

describe("a recorded decision", () => {
  it("is read with its request, what the disk said, and what policy answered", () => {
    expect(readDecision(entry(sound))).toMatchObject({
      kind: "decision",
      answer: "ALLOW",
      agentCtx: { env: "dev" },
      actions: [{ actionType: "execute_shell", payload: { command: "ls" }, open: [], disk: { "/srv": { real: "/srv", links: 1 } } }],
      isRedacted: false,
      ownFiles: null,
      about: "ls",
    });
  });

  it("has open questions, also one that is too long to stand in the log", () => {
    expect(readDecision(entry({ ...sound, details: { open: ["a", commitment] } }))).toMatchObject({
      actions: [{ open: ["a", "[left out]"] }],
      isRedacted: false,
    });
  });

  it("was answered with what enforcement would have said, where the runtime only observed", () => {
    expect(readAnswer(entry({ ...sound, would: "DENY", enforced: false }))).toMatchObject({ answer: "DENY", enforced: false });
  });

  it("is known by its tool and by all kinds of its actions", () => {
    const actions = [
      { action_type: "read_file", payload: { path: "a" }, decision: "ALLOW", open: ["`b` is not bound"] },
      { action_type: "call_external_api", payload: { url: "https://a.example" }, decision: "DENY" },
    ];
    expect(readDecision(entry({ ...sound, actions, tool: { name: "upload", args: {} } }))).toMatchObject({
      actionTypes: ["read_file", "call_external_api"],
      tool: "upload",
      actions: [
        { open: ["`b` is not bound"], disk: null },
        { open: [], disk: null },
      ],
    });
  });

  it.each<[string, JsonObject, string]>([
    ["no decision", { decision: "ALOW" }, "malformed"],
    ["a decision that is an inherited property", { decision: "toString" }, "malformed"],
    ["a `would` that is none", { would: 7 }, "malformed"],
    ["rules that are no list", { rules: "all" }, "malformed"],
    ["a rule that is none", { rules: [{ id: 7 }] }, "malformed"],
    ["an agent context that is no object", { agent_ctx: [] }, "malformed"],
    ["no action type", { action_type: 7 }, "malformed"],
    ["details that are no object", { details: 7 }, "malformed"],
    ["an answer of the disk that is none", { details: { disk: { "/": { real: 1, links: 1 } } } }, "malformed"],
    ["an open question that is no clause", { details: { open: [7] } }, "malformed"],
    ["open questions that are no clauses", { details: { open: "all" } }, "malformed"],
    ["no actions", { actions: [] }, "malformed"],
    [
      "more actions than a request can have",
      { actions: Array.from({ length: 33 }, () => ({ action_type: "a", payload: 1 })) },
      "malformed",
    ],
    ["an action that is none", { actions: [7] }, "malformed"],
    ["a list of own files that is no name", { own_files: 7 }, "malformed"],
    ["a refused request", { action_type: null, payload: null }, "refused"],
    ["a committed payload", { payload: commitment }, "redacted"],
    ["a committed context", { agent_ctx: commitment }, "redacted"],
    ["committed details", { details: commitment }, "redacted"],
    ["a committed answer of the disk", { details: { disk: { "/": { real: commitment, links: 1 } } } }, "redacted"],
    ["everything committed", { committed: commitment }, "redacted"],
  ])("that has %s is set apart", (_, changes, kind) => {
    expect(readDecision(entry({ ...sound, ...changes }))).toMatchObject({ kind });
  });

  it("is not judged by rules or a reason that did not fit on the line", () => {
    expect(readDecision(entry({ ...sound, rules: commitment, reason: commitment }))).toMatchObject({ rules: null, reason: null });
  });

  it("that is nested deeper than any request is set apart, and what is deeper than any entry is none", () => {
    const [sane, high] = [deep(60), deep(90)];
    expect([sane, high].map((each) => each && readDecision(each).kind)).toEqual(["decision", "malformed"]);
    expect([deep(96), deep(30_000)]).toEqual([null, null]);
  });

  it("is read from any entry without a throw", () => {
    const members = fc.dictionary(
      fc.constantFrom(...Object.keys(sound), "would", "actions", "own_files", "tool", "__proto__"),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(members, fc.boolean(), (changes, whole) => {
        const given = JSON.parse(JSON.stringify(whole ? { ...sound, ...changes } : changes)) as JsonObject;
        expect(["decision", "refused", "redacted", "malformed"]).toContain(readDecision(entry(given)).kind);
      }),
      { numRuns: 2000 },
    );
  });
});

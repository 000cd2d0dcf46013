import { createMemoryAuditSink, openCanopy } from "@canopy-runtime/core";
import type { AuditSink, Authorizer, Canopy, CanopyOptions } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { agentCtx } from "./adapter.ts";
import type { Adapter, Guarding, ModelCall, PlainTool } from "./adapter.ts";
import { aiSdk } from "./ai-sdk.adapter.ts";
import { functions } from "./functions.adapter.ts";
import { langchain } from "./langchain.adapter.ts";
import { openai } from "./openai.adapter.ts";

const policy = {
  name: "conformance.yaml",
  text: `
version: 1
default: DENY
rules:
  - { id: reads, action_type: read, allow: true }
  - { id: fails, action_type: fail, allow: true }
  - { id: delegates, action_type: delegate, allow: true }
  - { id: pays, action_type: pay, require_approval: true }
  - { id: wipes, action_type: wipe, deny: true, reason: nothing is wiped here }
`,
};

interface Entry {
  readonly type: string;
  readonly decision?: string;
  readonly would?: string;
  readonly enforced?: boolean;
  readonly authorization_id?: string;
  readonly status?: string;
  readonly error_class?: string;
}

/** A runtime with a policy of its own and a log that can be read. */
interface Bench {
  readonly canopy: Canopy;
  readonly guarding: Guarding;
  readonly entries: (type: string) => readonly Entry[];
}

async function bench(options: Partial<CanopyOptions> = {}): Promise<Bench> {
  const audit = createMemoryAuditSink();
  const canopy = await openCanopy({ policy, audit, ...options });
  return {
    canopy,
    guarding: { authorizer: canopy },
    entries: (type) => audit.lines.map((line) => JSON.parse(line) as Entry).filter((entry) => entry.type === type),
  };
}

/** The tools of the suite; each call is noted in `ran`. */
function tools(ran: string[]) {
  const schema = z.looseObject({ path: z.string().optional(), amount: z.number().optional() });
  const plain = (name: string, run: PlainTool["run"] = () => "done"): PlainTool => ({
    name,
    schema,
    run: (args, signal) => {
      ran.push(`${name} ${JSON.stringify(args)}`);
      return run(args, signal);
    },
  });
  return {
    read: plain("read", ({ path }) => `read ${String(path)}`),
    pay: plain("pay"),
    wipe: plain("wipe"),
    fail: plain("fail", () => {
      throw new RangeError("too far");
    }),
    plain,
  };
}

/** What a direct call came to: its output, or the message of what it threw. */
async function textOf(call: Promise<unknown>): Promise<string> {
  return await call.then(String, (error: unknown) => (error as Error).message);
}

const denied = "denied, the tool did not run";
const required = "approval required, the tool did not run";
const adapters: readonly Adapter[] = [functions, ...aiSdk, ...langchain, ...openai];

describe.each(adapters)("$name", (adapter) => {
  const { loop, direct, dies } = adapter;

  it("runs a call that is allowed, once, with one decision and its outcome on record", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const call: ModelCall = { tool: "read", args: { path: "a" } };
    const { read } = tools(ran);
    const unguarded = await loop([read], [call]);
    expect(await loop([read], [call], guarding)).toEqual(unguarded);
    expect([unguarded, ran]).toEqual([["read a"], ['read {"path":"a"}', 'read {"path":"a"}']]);
    expect(entries("decision")).toMatchObject([{ decision: "ALLOW", enforced: true }]);
    expect(entries("outcome")).toMatchObject([{ status: "success", authorization_id: idOf(entries("decision")[0]) }]);
  });

  it.each([
    ["wipe", denied],
    ["pay", required],
    ["unheard", denied],
  ])("does not run %s, tells the model why, and goes on", async (name, words) => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const tool = tools(ran).plain(name);
    const results = await loop([tool], [{ tool: name, args: { path: "a" } }], guarding);
    expect([results.length, ran]).toEqual([1, []]);
    expect(results[0]).toContain(name === "pay" ? "approv" : words);
    expect(entries("decision").length).toBeGreaterThanOrEqual(1);
    expect(entries("outcome")).toEqual([]);
    await loop([tool], [{ tool: name, args: { path: "a" } }]);
    expect(ran).toHaveLength(1);
  });

  it("judges calls of one answer one by one, beside each other", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const { read, wipe, pay } = tools(ran);
    const calls = [
      { tool: "read", args: { path: "a" } },
      { tool: "wipe", args: {} },
      { tool: "read", args: { path: "b" } },
      { tool: "pay", args: { amount: 5 } },
    ];
    const results = await loop([read, wipe, pay], calls, guarding);
    expect(ran.toSorted()).toEqual(['read {"path":"a"}', 'read {"path":"b"}']);
    expect(results.filter((text) => text.includes(denied))).toHaveLength(1);
    expect(entries("outcome")).toHaveLength(2);
  });

  it("takes two calls of one id as two calls", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const { read } = tools(ran);
    const calls = [
      { id: "same", tool: "read", args: { path: "a" } },
      { id: "same", tool: "read", args: { path: "b" } },
    ];
    await loop([read], calls, guarding).catch(() => undefined);
    expect(new Set(ran).size).toBe(ran.length);
    expect(entries("decision").length).toBeGreaterThanOrEqual(ran.length);
    expect(entries("outcome")).toHaveLength(ran.length);
  });

  it("wants a person to look at an argument that no binding names", async () => {
    const ran: string[] = [];
    const { guarding } = await bench();
    const actions = { read: { action_type: "read", payload: { path: "args.path" } } };
    const { read } = tools(ran);
    const results = await loop([read], [{ tool: "read", args: { path: "a", follow: true } }], { ...guarding, actions });
    expect([results.length, ran]).toEqual([1, []]);
    expect(results[0]).toContain("approv");
    expect(await loop([read], [{ tool: "read", args: { path: "a" } }], { ...guarding, actions })).toEqual(["read a"]);
  });

  it("guards the tool's own function, whoever calls it", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const { wipe, read } = tools(ran);
    expect(await textOf(direct(wipe, guarding)({}))).toContain(denied);
    expect(await textOf(direct(read, guarding)({ path: "a" }))).toBe("read a");
    expect(ran).toEqual(['read {"path":"a"}']);
    expect(entries("decision").map(({ decision }) => decision)).toEqual(["DENY", "ALLOW"]);
  });

  it("does not lend a tool's leave to a tool that it calls", async () => {
    const ran: string[] = [];
    const { guarding } = await bench();
    const { wipe, plain } = tools(ran);
    const inner = direct(wipe, guarding);
    const delegate = plain("delegate", async () => await textOf(inner({})));
    const [result] = await loop([delegate], [{ tool: "delegate", args: {} }], guarding);
    expect(result).toContain(denied);
    expect(ran).toEqual(["delegate {}"]);
  });

  it("records how a tool failed, and hands its error on as the framework does", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    const { fail } = tools(ran);
    const run = async (more?: Guarding): Promise<readonly string[] | string> =>
      await loop([fail], [{ tool: "fail", args: {} }], more).catch((error: unknown) => (error as Error).message);
    const unguarded = await run();
    const guarded = await run(guarding);
    // Beside any middleware an error of a tool ends the run of an agent, and then its message is what there is.
    expect(dies === true ? String(guarded).includes("too far") : guarded).toEqual(dies === true ? true : unguarded);
    expect(JSON.stringify(guarded)).toContain("too far");
    expect(ran).toHaveLength(2);
    expect(entries("outcome")).toMatchObject([{ status: "error", error_class: "RangeError" }]);
  });

  it.each<readonly [string, Authorizer["authorize"]]>([
    ["throws", () => Promise.reject(new Error("secret"))],
    [
      "throws at once",
      () => {
        throw new Error("secret");
      },
    ],
    ["never answers", () => new Promise<never>(() => undefined)],
    ["answers nonsense", async () => ({ decision: "allow" }) as never],
    ["allows without a record", async () => ({ decision: "ALLOW", reason: "", authorizationId: null, traceId: "" }) as never],
  ])("does not run where the authorizer %s", async (_, authorize) => {
    const ran: string[] = [];
    const authorizer: Authorizer = { authorize, recordOutcome: async () => undefined };
    const results = await loop([tools(ran).read], [{ tool: "read", args: { path: "a" } }], { authorizer, timeoutMs: 50 });
    expect(ran).toEqual([]);
    expect(results.join()).toContain(denied);
    expect(results.join()).not.toContain("secret");
  });

  it("does not run where the decision cannot be put on record", async () => {
    const ran: string[] = [];
    const broken: AuditSink = { append: () => Promise.reject(new Error("disk full")), close: async () => undefined };
    const { guarding } = await bench({ audit: broken });
    const results = await loop([tools(ran).read], [{ tool: "read", args: { path: "a" } }], guarding);
    expect([results.length, ran]).toEqual([1, []]);
    expect(results[0]).toContain(denied);
  });

  it("lets everything run in observe mode, and records what would have been", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench({ mode: "observe" });
    const { wipe, pay } = tools(ran);
    const calls = [
      { tool: "wipe", args: {} },
      { tool: "pay", args: { amount: 5 } },
    ];
    expect(await loop([wipe, pay], calls, guarding)).toEqual(["done", "done"]);
    expect(ran).toHaveLength(2);
    expect(entries("decision").map(({ decision, would, enforced }) => [decision, would, enforced])).toEqual(
      expect.arrayContaining([
        ["ALLOW", "DENY", false],
        ["ALLOW", "REQUIRE_APPROVAL", false],
      ]),
    );
    expect(entries("decision")).toHaveLength(2);
    expect(entries("outcome")).toHaveLength(2);
  });
});

describe.each(adapters)("$name, where a person decides,", ({ loop }) => {
  const call: ModelCall = { tool: "pay", args: { amount: 5 } };

  it("runs a call once when it was approved, and asks anew after that", async () => {
    const ran: string[] = [];
    const { canopy, guarding, entries } = await bench({ approvals: {} });
    const { pay } = tools(ran);
    await loop([pay], [call], guarding);
    const [asked, ...more] = await canopy.approvals.list({ state: "pending" });
    expect(more).toEqual([]);
    await canopy.approvals.decide(String(asked?.id), { decision: "approve", by: "Ada" });
    expect(ran).toEqual([]);
    expect(await loop([pay], [{ ...call, args: { amount: 6 } }], guarding)).not.toContain("done");
    expect(await loop([pay], [call], guarding)).toEqual(["done"]);
    expect((await loop([pay], [call], guarding)).join()).toContain("approv");
    expect(ran).toEqual(['pay {"amount":5}']);
    expect(entries("outcome")).toMatchObject([{ status: "success" }]);
  });

  it("runs one of two equal calls for one approval", async () => {
    const ran: string[] = [];
    const { canopy, guarding } = await bench({ approvals: {} });
    const { pay } = tools(ran);
    await loop([pay], [call], guarding);
    const [asked] = await canopy.approvals.list({ state: "pending" });
    await canopy.approvals.decide(String(asked?.id), { decision: "approve", by: "Ada" });
    await loop([pay], [call, { ...call, id: "other" }], guarding);
    expect(ran).toHaveLength(1);
  });

  it("does not run what was refused, and says who refused it", async () => {
    const ran: string[] = [];
    const { canopy, guarding } = await bench({ approvals: {} });
    const { pay } = tools(ran);
    await loop([pay], [call], guarding);
    const [asked] = await canopy.approvals.list({ state: "pending" });
    await canopy.approvals.decide(String(asked?.id), { decision: "deny", by: "Ada" });
    expect((await loop([pay], [call], guarding)).join()).toMatch(/denied.*Ada/);
    expect(ran).toEqual([]);
  });

  it("does not run what was approved too long ago", async () => {
    const ran: string[] = [];
    const { canopy, guarding } = await bench({ approvals: { useWithinMs: 1 } });
    const { pay } = tools(ran);
    await loop([pay], [call], guarding);
    const [asked] = await canopy.approvals.list({ state: "pending" });
    await canopy.approvals.decide(String(asked?.id), { decision: "approve", by: "Ada" });
    await expect.poll(() => canopy.approvals.list({ state: "expired" })).toHaveLength(1);
    expect((await loop([pay], [call], guarding)).join()).toContain("approv");
    expect(ran).toEqual([]);
  });
});

describe.each(adapters.filter(({ takes }) => takes.objects))("$name", ({ direct }) => {
  it("runs on what was judged, whatever becomes of the arguments meanwhile", async () => {
    const ran: string[] = [];
    const { canopy } = await bench();
    const args = { path: "a", deep: { list: [1] } };
    const judged: string[] = [];
    const authorizer: Authorizer = {
      authorize: async (request) => {
        judged.push(`read ${JSON.stringify(request.tool?.args)}`);
        args.deep.list.push(3);
        return await canopy.authorize(request);
      },
      recordOutcome: (outcome) => canopy.recordOutcome(outcome),
    };
    const call = direct(tools(ran).read, { authorizer })(args);
    args.path = "/etc/passwd";
    args.deep.list.push(2);
    await call;
    expect([ran, ran.length]).toEqual([judged, 1]);
    expect(args).toEqual({ path: "/etc/passwd", deep: { list: [1, 2, 3] } });
  });

  it("does not run on what is not JSON", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    for (const path of [() => 1, new Date(0), 10n, Number.NaN]) {
      expect(await textOf(direct(tools(ran).plain("delegate"), guarding)({ extra: path }))).toContain(denied);
    }
    expect(ran).toEqual([]);
    expect(entries("decision")).toHaveLength(4);
  });
});

describe.each(adapters.filter(({ takes }) => takes.signal))("$name", ({ direct }) => {
  it("does not run what is aborted while its answer is awaited", async () => {
    const ran: string[] = [];
    const { canopy, entries } = await bench();
    const stop = new AbortController();
    const authorizer: Authorizer = {
      authorize: async (request) => {
        const answer = await canopy.authorize(request);
        stop.abort(new Error("enough"));
        return answer;
      },
      recordOutcome: (outcome) => canopy.recordOutcome(outcome),
    };
    await textOf(direct(tools(ran).read, { authorizer })({ path: "a" }, stop.signal));
    expect(ran).toEqual([]);
    await expect.poll(() => entries("outcome")).toMatchObject([{ status: "not_run" }]);
  });
});

describe.each(adapters.filter(({ forge }) => forge !== undefined))("$name", ({ forge }) => {
  it("believes nobody but the authorizer that a person approved", async () => {
    const ran: string[] = [];
    const { guarding, entries } = await bench();
    await forge?.(tools(ran).pay, { amount: 5 }, guarding);
    expect(ran).toEqual([]);
    expect(entries("decision").map(({ decision }) => decision)).not.toContain("ALLOW");
    expect(entries("decision").length).toBeGreaterThanOrEqual(1);
  });
});

it("each adapter is in the table, with the agent's context", () => {
  expect(new Set(adapters.map(({ name }) => name)).size).toBe(adapters.length);
  expect(adapters.length).toBeGreaterThanOrEqual(20);
  expect(agentCtx.agent_id).toBe("conformance");
});

/** The id of the entry that a decision stands in, as outcomes name it. */
function idOf(entry: Entry | undefined): unknown {
  return expect.stringContaining(String((entry as { seq?: number } | undefined)?.seq)) as unknown;
}

import { createMongoAbility, subject } from "@casl/ability";
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import type { JsonValue } from "@canopy-runtime/core";
import { evaluate, loadPolicy } from "@canopy-runtime/core/policy";
import { Environment } from "@marcbachmann/cel-js";
import { ConflictResolutionStrategy, PolicyEngine } from "@microsoft/agent-governance-sdk";
import { StringAdapter, newEnforcer, newModelFromString } from "casbin";
import { Engine as JsonRules } from "json-rules-engine";
import { writeResults } from "./results.ts";

// One policy, "allow; deny if amount > 100", and what each engine answers when the field is not what the rule expects.
type Payload = Readonly<Record<string, unknown>>;
type Ask = (payload: Payload) => string | Promise<string>;

const payloads: readonly (readonly [string, Payload])[] = [
  ["5", { amount: 5 }],
  ["500", { amount: 500 }],
  ["missing", {}],
  ["null", { amount: null }],
  ['"abc"', { amount: "abc" }],
  ['"5,000"', { amount: "5,000" }],
  ['"500"', { amount: "500" }],
  ["{}", { amount: {} }],
  ["[]", { amount: [] }],
  ["NaN", { amount: Number.NaN }],
  ["1e308", { amount: 1e308 }],
];

const cedarPolicy = `permit(principal, action, resource);
forbid(principal, action, resource) when { context.amount > 100 };`;
const cedarSchema = `entity Agent; entity Thing;
action "pay" appliesTo { principal: [Agent], resource: [Thing], context: { amount: Long } };`;

function cedar(withSchema: boolean): Ask {
  return (context) => {
    const answer = isAuthorized({
      principal: { type: "Agent", id: "a" },
      action: { type: "Action", id: "pay" },
      resource: { type: "Thing", id: "t" },
      context: context as Record<string, never>,
      policies: { staticPolicies: cedarPolicy },
      entities: [],
      ...(withSchema ? { schema: cedarSchema, validateRequest: true } : {}),
    });
    if (answer.type !== "success") return "refused";
    const errors = answer.response.diagnostics.errors.length;
    return answer.response.decision === "allow" ? `ALLOW${errors > 0 ? " (error noted)" : ""}` : "DENY";
  };
}

const peers: Readonly<Record<string, () => Promise<Ask>>> = {
  Canopy: async () => {
    const policy = await loadPolicy({
      name: "p.yaml",
      text: "version: 1\npay: { rules: [{ id: all, allow: true }, { id: large, deny: true, when_all: ['payload.amount > 100'] }] }",
    });
    return (payload) => evaluate(policy, { actionType: "pay", agentCtx: {}, payload: payload as JsonValue }).decision;
  },
  Cedar: async () => await Promise.resolve(cedar(false)),
  "Cedar, schema and request validation": async () => await Promise.resolve(cedar(true)),
  Casbin: async () => {
    const model = newModelFromString(
      "[request_definition]\nr = sub\n[policy_definition]\np = cond, eft\n[policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\nm = eval(p.cond)",
    );
    const enforcer = await newEnforcer(model, new StringAdapter("p, true, allow\np, r.sub.amount > 100, deny"));
    return (payload) => (enforcer.enforceSync(payload) ? "ALLOW" : "DENY");
  },
  CASL: async () => {
    const ability = createMongoAbility([
      { action: "pay", subject: "Thing" },
      { action: "pay", subject: "Thing", inverted: true, conditions: { amount: { $gt: 100 } } },
    ]);
    return await Promise.resolve((payload: Payload) => (ability.can("pay", subject("Thing", { ...payload })) ? "ALLOW" : "DENY"));
  },
  "json-rules-engine": async () => {
    const engine = new JsonRules();
    engine.addRule({ conditions: { all: [{ fact: "amount", operator: "greaterThan", value: 100 }] }, event: { type: "DENY" } });
    return await Promise.resolve(async (payload: Payload) => ((await engine.run({ ...payload })).events.length > 0 ? "DENY" : "ALLOW"));
  },
  "cel-js, its own evaluator": async () => {
    const deny = new Environment({ unlistedVariablesAreDyn: true }).parse("amount > 100.0");
    return await Promise.resolve((payload: Payload) => (deny({ ...payload }) === true ? "DENY" : "ALLOW"));
  },
  "agent-governance-sdk": async () => await Promise.resolve(governance("amount > 100")),
  "agent-governance-sdk, `(amount > 100)`": async () => await Promise.resolve(governance("(amount > 100)")),
};

function governance(condition: string): Ask {
  const engine = new PolicyEngine([], ConflictResolutionStrategy.DenyOverrides);
  engine.loadPolicy({ name: "p", default_action: "allow", rules: [{ name: "large", condition, ruleAction: "deny" }] });
  return (payload) => (engine.evaluatePolicy("did:a", { ...payload }).allowed ? "ALLOW" : "DENY");
}

async function answerOf(ask: Ask, payload: Payload): Promise<string> {
  try {
    return await ask(payload);
  } catch {
    return "throws";
  }
}

const table: Record<string, Record<string, string>> = {};
for (const [name, prepare] of Object.entries(peers)) {
  const ask = await prepare();
  const row: Record<string, string> = {};
  for (const [label, payload] of payloads) row[label] = await answerOf(ask, payload);
  table[name] = row;
}
console.log(`| engine | ${payloads.map(([label]) => `\`${label}\``).join(" | ")} |`);
console.log(`| --- |${" --- |".repeat(payloads.length)}`);
for (const [name, row] of Object.entries(table)) console.log(`| ${name} | ${Object.values(row).join(" | ")} |`);

console.log("\nthe condition, misspelt (does the policy load, and what does it answer to 500?)");
const misspelt = ["amout > 100", "amount >> 100", "(amount > 100", "amount gt 100"];
const loaders: Readonly<Record<string, (condition: string) => Promise<Ask>>> = {
  Canopy: async (condition) => {
    const rules = [
      { id: "all", allow: true },
      { id: "large", deny: true, when_all: [fieldOf("payload", condition)] },
    ];
    const policy = await loadPolicy({ name: "p.yaml", text: JSON.stringify({ version: 1, pay: { rules } }) });
    return (payload) => evaluate(policy, { actionType: "pay", agentCtx: {}, payload: payload as JsonValue }).decision;
  },
  Cedar: async (condition) =>
    await Promise.resolve((context: Payload) => {
      const answer = isAuthorized({
        principal: { type: "Agent", id: "a" },
        action: { type: "Action", id: "pay" },
        resource: { type: "Thing", id: "t" },
        context: context as Record<string, never>,
        policies: {
          staticPolicies: `permit(principal, action, resource); forbid(principal, action, resource) when { ${fieldOf("context", condition)} };`,
        },
        entities: [],
      });
      if (answer.type !== "success") return "does not load";
      return answer.response.decision === "allow" ? "ALLOW" : "DENY";
    }),
  "agent-governance-sdk": async (condition) => await Promise.resolve(governance(condition)),
};
/** The condition about a field of something: `payload.amount > 100`. */
function fieldOf(of: string, condition: string): string {
  return condition.replace(/amou\w*/, (word) => `${of}.${word}`);
}

const spelling: Record<string, Record<string, string>> = {};
for (const [name, load] of Object.entries(loaders)) {
  const row: Record<string, string> = {};
  for (const condition of misspelt) {
    try {
      row[condition] = await answerOf(await load(condition), { amount: 500 });
    } catch {
      row[condition] = "does not load";
    }
  }
  spelling[name] = row;
  console.log(
    `| ${name} | ${Object.entries(row)
      .map(([condition, answer]) => `\`${condition}\`: ${answer}`)
      .join(" | ")} |`,
  );
}
writeResults("fail-open", { table, spelling });

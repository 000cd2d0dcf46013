import { createMongoAbility, subject } from "@casl/ability";
import type { MongoAbility, RawRuleOf } from "@casl/ability";
import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { cloneJson, evaluate, loadPolicy } from "@canopy-runtime/core/policy";
import type { JsonObject } from "@canopy-runtime/core";
import { Environment } from "@marcbachmann/cel-js";
import { ConflictResolutionStrategy, PolicyEngine } from "@microsoft/agent-governance-sdk";
import { StringAdapter, newEnforcer, newModelFromString } from "casbin";
import { Engine as JsonRules } from "json-rules-engine";
import { environments } from "./logical-policy.ts";
import type { ActionRules, Answer, Request } from "./logical-policy.ts";

/** Asks about the request of that number; what the engine wants of it was made before. */
export type Ask = (index: number) => Answer | Promise<Answer>;

/** Loads the policy and turns the requests into what the engine takes, which is not measured. */
export type Prepare = (rules: readonly ActionRules[], requests: readonly Request[]) => Promise<Ask>;

export const engines: Readonly<Record<string, Prepare>> = {
  canopy: async (rules, requests) => {
    const text = JSON.stringify({
      version: 1,
      default: "DENY",
      rules: rules.flatMap(({ action, role, limit }) => [
        {
          action_type: action,
          allow: true,
          when_all: [
            `agent_ctx.role == "${role}"`,
            `agent_ctx.env in ${JSON.stringify(environments)}`,
            `payload.amount <= ${limit}`,
            'payload.path.startsWith("/workspace/")',
          ],
        },
        {
          action_type: action,
          deny: true,
          when_any: [`agent_ctx.env == "production" && payload.amount > ${limit / 2}`, 'payload.path contains "secret"'],
        },
      ]),
    });
    const policy = await loadPolicy({ name: "bench.yaml", text });
    const asked = requests.map(({ action, role, env, amount, path }) => ({
      actionType: action,
      agentCtx: cloneJson({ role, env }) as JsonObject,
      payload: cloneJson({ amount, path }),
    }));
    return (index) => {
      const request = asked[index];
      return request !== undefined && evaluate(policy, request).decision === "ALLOW" ? "ALLOW" : "DENY";
    };
  },

  "cedar (wasm, preparsed)": async (rules, requests) => {
    const text = rules
      .map(
        ({ action, role, limit }) => `
permit(principal, action == Action::"${action}", resource) when {
  context.role == "${role}" && ${JSON.stringify(environments)}.contains(context.env) && context.amount <= ${limit} && context.path like "/workspace/*"
};
forbid(principal, action == Action::"${action}", resource) when {
  (context.env == "production" && context.amount > ${Math.floor(limit / 2)}) || context.path like "*secret*"
};`,
      )
      .join("\n");
    const parsed = preparsePolicySet("bench", { staticPolicies: text });
    if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));
    const calls = requests.map(({ action, ...context }) => ({
      principal: { type: "Agent", id: "a" },
      action: { type: "Action", id: action },
      resource: { type: "Thing", id: "t" },
      context,
      preparsedPolicySetId: "bench",
      entities: [],
    }));
    return await Promise.resolve((index: number): Answer => {
      const call = calls[index];
      const answer = call === undefined ? undefined : statefulIsAuthorized(call);
      return answer?.type === "success" && answer.response.decision === "allow" ? "ALLOW" : "DENY";
    });
  },

  "casbin (eval)": async (rules, requests) => {
    const model = newModelFromString(`
[request_definition]
r = act, sub
[policy_definition]
p = act, cond, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && eval(p.cond)`);
    const policy = rules
      .flatMap(({ action, role, limit }) => [
        `p, ${action}, r.sub.role == '${role}' && isOneOf(r.sub.env) && r.sub.amount <= ${limit} && inWorkspace(r.sub.path), allow`,
        `p, ${action}, (r.sub.env == 'production' && r.sub.amount > ${limit / 2}) || holdsSecret(r.sub.path), deny`,
      ])
      .join("\n");
    const enforcer = await newEnforcer(model, new StringAdapter(policy));
    await enforcer.addFunction("isOneOf", (env: string) => environments.includes(env));
    await enforcer.addFunction("inWorkspace", (path: string) => path.startsWith("/workspace/"));
    await enforcer.addFunction("holdsSecret", (path: string) => path.includes("secret"));
    return (index) => {
      const request = requests[index];
      return request !== undefined && enforcer.enforceSync(request.action, request) ? "ALLOW" : "DENY";
    };
  },

  "@casl/ability": async (rules, requests) => {
    const raw = rules.flatMap(({ action, role, limit }): RawRuleOf<MongoAbility>[] => [
      {
        action,
        subject: "Thing",
        conditions: { role, env: { $in: environments }, amount: { $lte: limit }, path: { $regex: /^\/workspace\// } },
      },
      { action, subject: "Thing", inverted: true, conditions: { env: "production", amount: { $gt: limit / 2 } } },
      { action, subject: "Thing", inverted: true, conditions: { path: { $regex: /secret/ } } },
    ]);
    const ability = createMongoAbility(raw);
    const things = requests.map((request) => subject("Thing", { ...request }));
    return await Promise.resolve((index: number): Answer => {
      const thing = things[index];
      return thing !== undefined && ability.can(thing.action, thing) ? "ALLOW" : "DENY";
    });
  },

  "json-rules-engine": async (rules, requests) => {
    const engine = new JsonRules([], { allowUndefinedFacts: true });
    engine.addOperator("startsWith", (a: string, b: string) => a.startsWith(b));
    engine.addOperator("holds", (a: string, b: string) => a.includes(b));
    for (const { action, role, limit } of rules) {
      const about = { fact: "action", operator: "equal", value: action };
      engine.addRule({
        conditions: {
          all: [
            about,
            { fact: "role", operator: "equal", value: role },
            { fact: "env", operator: "in", value: environments },
            { fact: "amount", operator: "lessThanInclusive", value: limit },
            { fact: "path", operator: "startsWith", value: "/workspace/" },
          ],
        },
        event: { type: "ALLOW" },
      });
      engine.addRule({
        conditions: {
          all: [
            about,
            {
              any: [
                {
                  all: [
                    { fact: "env", operator: "equal", value: "production" },
                    { fact: "amount", operator: "greaterThan", value: limit / 2 },
                  ],
                },
                { fact: "path", operator: "holds", value: "secret" },
              ],
            },
          ],
        },
        event: { type: "DENY" },
      });
    }
    return await Promise.resolve(async (index: number): Promise<Answer> => {
      const { events } = await engine.run({ ...requests[index] });
      return events.length > 0 && events.every(({ type }) => type === "ALLOW") ? "ALLOW" : "DENY";
    });
  },

  "@microsoft/agent-governance-sdk": async (rules, requests) => {
    // Its conditions have no tests of strings and no parentheses: the two path tests are handed over as booleans, the DENY is two rules.
    const engine = new PolicyEngine([], ConflictResolutionStrategy.DenyOverrides);
    engine.loadPolicy({
      name: "bench",
      default_action: "deny",
      rules: rules.flatMap(({ action, role, limit }) => [
        {
          name: `allow ${action}`,
          condition: `action == '${action}' and role == '${role}' and env in ['dev', 'staging', 'production'] and amount <= ${limit} and in_workspace == true`,
          ruleAction: "allow" as const,
        },
        {
          name: `deny ${action}`,
          condition: `action == '${action}' and env == 'production' and amount > ${limit / 2}`,
          ruleAction: "deny" as const,
        },
        { name: `secret ${action}`, condition: `action == '${action}' and holds_secret == true`, ruleAction: "deny" as const },
      ]),
    });
    const contexts = requests.map((request) => ({
      ...request,
      in_workspace: request.path.startsWith("/workspace/"),
      holds_secret: request.path.includes("secret"),
    }));
    return await Promise.resolve((index: number): Answer =>
      engine.evaluatePolicy("did:a", contexts[index] ?? {}).allowed ? "ALLOW" : "DENY",
    );
  },

  "@marcbachmann/cel-js (its own evaluator)": async (rules, requests) => {
    const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
    const parsed = rules.flatMap(({ action, role, limit }) => [
      {
        deny: false,
        holds: environment.parse(
          `action == "${action}" && role == "${role}" && env in ${JSON.stringify(environments)} && amount <= ${limit}.0 && path.startsWith("/workspace/")`,
        ),
      },
      {
        deny: true,
        holds: environment.parse(
          `action == "${action}" && ((env == "production" && amount > ${(limit / 2).toFixed(1)}) || path.contains("secret"))`,
        ),
      },
    ]);
    return await Promise.resolve((index: number): Answer => {
      const request = requests[index];
      let allowed = false;
      for (const { deny, holds } of parsed) {
        if (holds({ ...request }) !== true) continue;
        if (deny) return "DENY";
        allowed = true;
      }
      return allowed ? "ALLOW" : "DENY";
    });
  },
};

import type { Decision } from "./decision.ts";

/** How severe it is that a rule applies. From `high` on, an approval wants the signature of a key where the host lists any. */
export type Severity = "low" | "medium" | "high" | "critical";

export const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

/** A JSON Schema (draft 2020-12), as far as this format needs it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** A key of the policy format: what it holds, and the sentence that an editor shows. The loader and the JSON Schema both read these. */
export interface Key {
  readonly description: string;
  readonly schema: Schema;
}

export type Keys = Readonly<Record<string, Key>>;

const text: Schema = { type: "string", minLength: 1 };
const yes: Schema = { const: true };
const conditions: Schema = { $ref: "#/$defs/conditions" };
const texts: Schema = { type: "array", items: text, minItems: 1 };

/** The conditions of a rule; all of these and the rule's regex hold together. */
export const blockKeys: Keys = {
  when_all: { description: "Conditions of which every one holds.", schema: conditions },
  when_any: { description: "Conditions of which at least one holds.", schema: conditions },
  when_not: { description: "Conditions of which none holds.", schema: conditions },
};

/** Ways to say what a rule decides; each rule has exactly one. */
export const decisionKeys: Keys & Readonly<Record<string, Key & { readonly decision: Decision | null; readonly regex: boolean }>> = {
  decision: {
    description: "What the rule decides.",
    schema: { enum: ["ALLOW", "REQUIRE_APPROVAL", "DENY"] },
    decision: null,
    regex: false,
  },
  allow: { description: "Short for `decision: ALLOW`.", schema: yes, decision: "ALLOW", regex: false },
  require_approval: { description: "Short for `decision: REQUIRE_APPROVAL`.", schema: yes, decision: "REQUIRE_APPROVAL", regex: false },
  deny: { description: "Short for `decision: DENY`.", schema: yes, decision: "DENY", regex: false },
  allow_regex: {
    description: "ALLOW where a text in the payload matches this regex (RE2 syntax). Texts are easily dressed up; prefer facts.",
    schema: text,
    decision: "ALLOW",
    regex: true,
  },
  require_approval_regex: {
    description: "REQUIRE_APPROVAL where a text in the payload matches this regex (RE2 syntax).",
    schema: text,
    decision: "REQUIRE_APPROVAL",
    regex: true,
  },
  deny_regex: {
    description: "DENY where a text in the payload matches this regex (RE2 syntax).",
    schema: text,
    decision: "DENY",
    regex: true,
  },
};

export const ruleKeys: Keys = {
  id: {
    description: "Names the rule in reasons, logs and exceptions. Letters, digits, `.`, `_`, `-`, `/`, `:`; unique in the policy.",
    schema: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$" },
  },
  action_type: {
    description: "The action the rule is about: a name, a list of names, or a glob such as `db_*`.",
    schema: { anyOf: [text, texts] },
  },
  ...decisionKeys,
  ...blockKeys,
  reason: { description: "What people and models are told when the rule decides. `{payload.path}` quotes a value.", schema: text },
  severity: { description: "How severe it is when the rule applies.", schema: { enum: severities } },
  examples: {
    description: "Requests that prove the rule when the policy is loaded.",
    schema: {
      type: "object",
      properties: { match: { $ref: "#/$defs/requests" }, not_match: { $ref: "#/$defs/requests" } },
      additionalProperties: false,
      minProperties: 1,
    },
  },
};

export const exampleKeys: Keys = {
  match: { description: "Requests for which the conditions are true.", schema: { $ref: "#/$defs/requests" } },
  not_match: { description: "Requests to which the rule does not apply.", schema: { $ref: "#/$defs/requests" } },
};

export const requestKeys: Keys = {
  action_type: { description: "The action; the rule's own where it names one.", schema: text },
  agent_ctx: { description: "Who acts, and where.", schema: { type: "object" } },
  payload: { description: "What the action is done with.", schema: {} },
};

/** What may stand under the name of an action type. */
export const sectionKeys: Keys & Readonly<Record<string, Key & { readonly decision: Decision | null }>> = {
  rules: {
    description: "Rules about this action type.",
    schema: { type: "array", items: { $ref: "#/$defs/sectionRule" }, minItems: 1 },
    decision: null,
  },
  deny_if: { description: "DENY where the payload contains one of these texts.", schema: texts, decision: "DENY" },
  require_approval_if: {
    description: "REQUIRE_APPROVAL where the payload contains one of these texts.",
    schema: texts,
    decision: "REQUIRE_APPROVAL",
  },
  allow_if: {
    description: "ALLOW where the payload contains one of these texts. Texts are easily dressed up; prefer facts.",
    schema: texts,
    decision: "ALLOW",
  },
};

export const policyKeys: Keys = {
  version: { description: "The version of this format.", schema: { const: 1 } },
  name: { description: "What people call the policy.", schema: text },
  default: {
    description: "The answer where no rule's conditions are true. REQUIRE_APPROVAL if left out.",
    schema: { enum: ["ALLOW", "REQUIRE_APPROVAL", "DENY"] },
  },
  extends: {
    description: "Policies whose rules join this one's: files, relative to this one, or `canopy:default`.",
    schema: { anyOf: [text, texts] },
  },
  except: {
    description:
      "Where an inherited rule does not apply: its id, and conditions that must all be true. Only the policy that the host named may.",
    schema: { type: "object", additionalProperties: conditions, minProperties: 1 },
  },
  actions: {
    description: "How the arguments of tools become payloads: the tool's name, and one binding or a list of them.",
    schema: {
      type: "object",
      additionalProperties: { anyOf: [{ $ref: "#/$defs/binding" }, { type: "array", items: { $ref: "#/$defs/binding" }, minItems: 1 }] },
    },
  },
  rules: { description: "Rules, each with its action type.", schema: { type: "array", items: { $ref: "#/$defs/rule" }, minItems: 1 } },
};

import { blockKeys, decisionKeys, policyKeys, requestKeys, ruleKeys, sectionKeys } from "./format.ts";
import type { Keys, Schema } from "./format.ts";

/** The JSON Schema of a policy file, for editors. It knows the shape alone: what a condition means is checked when a policy is loaded. */
export function policySchema(): Schema {
  const { action_type: _, ...sectionRuleKeys } = ruleKeys;
  const oneDecision = { oneOf: Object.keys(decisionKeys).map((key) => ({ required: [key] })) };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Canopy policy",
    ...object(policyKeys),
    minProperties: 1,
    // Any other key is the name of an action type, with its rules.
    additionalProperties: { $ref: "#/$defs/section" },
    $defs: {
      conditions: {
        type: "array",
        minItems: 1,
        items: {
          anyOf: [{ type: "string", minLength: 1, description: 'A condition in CEL, or `x contains "y"`.' }, { $ref: "#/$defs/block" }],
        },
      },
      block: { ...object(blockKeys), minProperties: 1 },
      request: { ...object(requestKeys), required: ["payload"] },
      requests: { type: "array", items: { $ref: "#/$defs/request" }, minItems: 1 },
      rule: { ...object(ruleKeys), required: ["action_type"], ...oneDecision },
      sectionRule: { ...object(sectionRuleKeys), ...oneDecision },
      section: { ...object(sectionKeys), minProperties: 1 },
      binding: {
        type: "object",
        properties: {
          action_type: { type: "string", minLength: 1, description: "The action that the call is." },
          payload: {
            type: "object",
            additionalProperties: { type: "string", pattern: "^args" },
            description: "Field of the payload to argument, as in `command: args.cmd`; `args.dir?` where a call may do without it.",
          },
          ignore: {
            type: "array",
            items: { type: "string", pattern: "^args" },
            minItems: 1,
            description: "Arguments that do not matter, as in `args.timeout`.",
          },
        },
        required: ["action_type", "payload"],
        additionalProperties: false,
      },
    },
  };
}

export function object(keys: Keys): Schema {
  const properties = Object.fromEntries(
    Object.entries(keys).map(([name, { description, schema }]) => [name, { description, ...schema }] as const),
  );
  return { type: "object", properties, additionalProperties: false };
}

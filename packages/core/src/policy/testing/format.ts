import { requestKeys } from "../format.ts";
import type { Keys, Schema } from "../format.ts";

const text: Schema = { type: "string", minLength: 1 };
const texts: Schema = { anyOf: [text, { type: "array", items: text }] };
const request: Schema = { $ref: "#/$defs/request" };
const decision: Schema = { enum: ["ALLOW", "REQUIRE_APPROVAL", "DENY"] };

/** The keys of a file of policy tests. */
export const testFileKeys: Keys = {
  version: { description: "The version of this format.", schema: { const: 1 } },
  policy: {
    description: "The policy that is tested, relative to this file; `NAME.yaml` beside `NAME.test.yaml` where left out.",
    schema: text,
  },
  fixtures: {
    description: "Named parts of requests that requests extend.",
    schema: { type: "object", additionalProperties: request, minProperties: 1 },
  },
  tests: { description: "The tests.", schema: { type: "array", items: { $ref: "#/$defs/test" }, minItems: 1 } },
};

/** The keys of one test; with `rows` it is a table, whose request and expectation are the template of every row. */
export const testKeys: Keys = {
  name: { description: "What the test shows, as a sentence.", schema: text },
  request: { description: "What is asked.", schema: request },
  expect: { description: "The decision, or a map that says more.", schema: { anyOf: [decision, { $ref: "#/$defs/expectation" }] } },
  columns: {
    description: "What the values of a row that is a list stand for, such as `agent_ctx.env`, `payload.command`, `expect`.",
    schema: texts,
  },
  rows: {
    description: "Rows of a table: lists of values by `columns`, or maps from column to value.",
    schema: { type: "array", items: { type: ["array", "object"] }, minItems: 1 },
  },
};

/** The keys of a request in a test, or of a fixture. */
export const testRequestKeys: Keys = {
  extends: { description: "Fixtures that the request begins with; of what several say, the later wins.", schema: texts },
  ...requestKeys,
  disk: {
    description:
      "What the disk says of absolute paths: where each leads, and how many names it has. Without it paths are judged by their text.",
    schema: {
      type: "object",
      additionalProperties: {
        type: "object",
        properties: { real: text, links: { type: "integer", minimum: 0 } },
        additionalProperties: false,
      },
    },
  },
  own_files: { description: "Absolute paths of Canopy's own files.", schema: { type: "array", items: text } },
};

export const diskKeys: Keys = {
  real: { description: "The path with every symlink resolved.", schema: text },
  links: { description: "Names of the file: 1 for an ordinary file, 0 where it does not exist.", schema: { type: "integer", minimum: 0 } },
};

export const expectationKeys: Keys = {
  decision: { description: "The decision.", schema: decision },
  rules: { description: "Rules that must be among those that decide; an empty list where the default must.", schema: texts },
  reason: { description: "Texts that the reason must contain.", schema: texts },
};

import type { Schema } from "../format.ts";
import { object } from "../json-schema.ts";
import { expectationKeys, testFileKeys, testKeys, testRequestKeys } from "./format.ts";

/** The JSON Schema of a file of policy tests, for editors. It knows the shape alone: what a test speaks of is checked when it runs. */
export function policyTestSchema(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Canopy policy tests",
    ...object(testFileKeys),
    required: ["tests"],
    $defs: {
      request: object(testRequestKeys),
      expectation: { ...object(expectationKeys), minProperties: 1 },
      test: {
        ...object(testKeys),
        required: ["name"],
        anyOf: [{ required: ["rows"] }, { required: ["request", "expect"], not: { required: ["columns"] } }],
      },
    },
  };
}

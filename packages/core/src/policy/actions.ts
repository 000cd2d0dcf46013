import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { unreachable } from "../unreachable.ts";

/** The type of one field of a standard action's payload. */
export type FieldType = "string" | "string-map" | "any";

export interface PayloadField {
  readonly type: FieldType;
  readonly required: boolean;
  /** Filled in where the field is absent. */
  readonly default?: string;
  readonly description: string;
}

export type PayloadSchema = Readonly<Record<string, PayloadField>>;

/** Every payload may carry the full arguments of the tool call that it was made from; they are recorded and bound by approvals. */
const args: PayloadField = { type: "any", required: false, description: "the full arguments of the tool call behind the action" };

/** The actions that Canopy understands by itself, and what their payloads hold. Any other action type is the user's own. */
export const standardActions: Readonly<Record<string, PayloadSchema>> = {
  execute_shell: {
    command: { type: "string", required: true, description: "what the shell is given to run" },
    cwd: { type: "string", required: false, description: "the directory it runs in" },
    env: { type: "string-map", required: false, description: "variables added to its environment" },
    args,
  },
  read_file: {
    path: { type: "string", required: true, description: "the file that is read" },
    args,
  },
  modify_file: {
    path: { type: "string", required: true, description: "the file that is created or changed" },
    content: { type: "any", required: false, description: "what it holds afterwards" },
    args,
  },
  delete_file: {
    path: { type: "string", required: true, description: "the file or directory that is removed" },
    args,
  },
  call_external_api: {
    url: { type: "string", required: true, description: "the address that is called" },
    method: { type: "string", required: false, default: "GET", description: "the HTTP method" },
    headers: { type: "string-map", required: false, description: "the HTTP headers" },
    body: { type: "any", required: false, description: "what is sent" },
    args,
  },
  execute_query: {
    query: { type: "string", required: true, description: "the SQL text" },
    dialect: { type: "string", required: false, description: "postgres, mysql, sqlite or mssql" },
    args,
  },
};

/** What keeps `payload` from being one of this standard action, as clauses; none for a user's own action type. */
export function payloadProblems(actionType: string, payload: JsonValue): readonly string[] {
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  if (schema === undefined) return [];
  if (!isJsonObject(payload)) return ["`payload` is not an object"];
  return Object.entries(schema).flatMap(([name, field]) => {
    // Anything fits: the value is not so much as looked at, so that it may be one that is withheld.
    if (field.type === "any" && !field.required) return [];
    const value = member(payload, name);
    if (value === undefined) return field.required ? [`\`payload.${name}\` is missing`] : [];
    return fits(field.type, value) ? [] : [`\`payload.${name}\` is not ${article[field.type]}`];
  });
}

/** The payload with the documented defaults filled in; the same object where there is nothing to fill. */
export function withDefaults(actionType: string, payload: JsonValue): JsonValue {
  const schema = Object.hasOwn(standardActions, actionType) ? standardActions[actionType] : undefined;
  if (schema === undefined || !isJsonObject(payload)) return payload;
  const missing: Record<string, JsonValue> = {};
  for (const [name, field] of Object.entries(schema)) {
    if (field.default !== undefined && member(payload, name) === undefined) missing[name] = field.default;
  }
  return Object.keys(missing).length === 0 ? payload : Object.freeze<JsonObject>({ ...payload, ...missing });
}

const article: Readonly<Record<FieldType, string>> = {
  string: "a string",
  "string-map": "an object whose values are strings",
  any: "a value",
};

function fits(type: FieldType, value: JsonValue): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "string-map":
      return isJsonObject(value) && Object.values(value).every((item) => typeof item === "string");
    case "any":
      return true;
    default:
      return unreachable(type);
  }
}

import type { FactFunction, FactMethod, FactParameter, ValueType } from "../../facts/schema.ts";
import { Unknown, invalid } from "../../facts/unknown.ts";
import type { JsonValue } from "../../json.ts";
import { isJsonObject } from "../../json.ts";
import { asValue, isObject, kindOf, spend, toJson, worse } from "./values.ts";
import type { Run, Scope, Value } from "./values.ts";

/** What understanding something costs beside looking at an item of a list. */
const factSteps = 4;

/** Has a fact understood; the same function with the same arguments runs once a request. */
export function callFact(fact: FactFunction, args: readonly Run[]): Run {
  return (scope) => {
    const values = evaluateArguments(fact.name, fact.parameters, args, scope);
    if (values instanceof Unknown) return values;
    spend(scope, factSteps);
    const [only] = values;
    const key = values.length === 1 && typeof only === "string" ? `${fact.name}:${only}` : `${fact.name} ${JSON.stringify(values)}`;
    const known = scope.facts?.get(key);
    if (known !== undefined) return known;
    const result = guarded(fact.name, () => fact.analyse(values, scope.context));
    (scope.facts ??= new Map()).set(key, result);
    return result;
  };
}

/** Calls `on.name(…)`, a method of a fact. */
export function callMethod(on: Run, name: string, method: FactMethod, args: readonly Run[]): Run {
  return (scope) => {
    const fact = on(scope);
    if (fact instanceof Unknown) return fact;
    if (!isObject(fact)) return invalid(`\`${name}()\` was asked of ${kindOf(fact)}, not of a fact`);
    const values = evaluateArguments(name, method.parameters, args, scope);
    if (values instanceof Unknown) return values;
    return guarded(name, () => method.call(fact as never, values));
  };
}

/** Reads `on.name`, a field of a fact. */
export function readFact(on: Run, name: string): Run {
  return (scope) => {
    const fact = on(scope);
    if (fact instanceof Unknown) return fact;
    if (!isObject(fact)) return invalid(`\`${name}\` was asked of ${kindOf(fact)}, not of a fact`);
    return guarded(name, () => (fact as Readonly<Record<string, unknown>>)[name]);
  };
}

/** Facts never throw. One that does all the same has understood nothing. */
function guarded(name: string, ask: () => unknown): Value {
  try {
    return asValue(ask());
  } catch {
    return invalid(`\`${name}\` failed`);
  }
}

function evaluateArguments(name: string, parameters: readonly FactParameter[], args: readonly Run[], scope: Scope): JsonValue[] | Unknown {
  const values: JsonValue[] = [];
  let unknown: Unknown | undefined;
  for (const [index, arg] of args.entries()) {
    const value = toJson(arg(scope));
    const parameter = parameters[index];
    if (value instanceof Unknown) unknown = worse(unknown, value);
    else if (parameter?.types.some((type) => fits(value, type)) !== true) {
      unknown = worse(unknown, invalid(`\`${name}()\` was given ${kindOf(value)} as \`${parameter?.name ?? index}\``));
    } else values.push(value);
  }
  return unknown ?? values;
}

function fits(value: JsonValue, type: ValueType): boolean {
  switch (type.kind) {
    case "dyn":
      return true;
    case "bool":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "null":
      return value === null;
    case "int":
    case "uint":
      return Number.isSafeInteger(value);
    case "double":
      return typeof value === "number";
    case "list":
      return Array.isArray(value) && value.every((item) => fits(item, type.of));
    case "map":
      return isJsonObject(value) && Object.values(value).every((item) => fits(item, type.of));
    case "record":
      return false;
    default:
      return false;
  }
}

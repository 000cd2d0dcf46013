import type { JsonObject, JsonValue } from "../json.ts";
import type { Unknown } from "./unknown.ts";

/**
 * The static type of a value that a condition can see. At run time any value may also be an `Unknown`, and any list an `Effects`.
 * `dyn` is data from the request: its type is known only when it is judged.
 */
export type ValueType =
  | { readonly kind: "bool" | "int" | "uint" | "double" | "string" | "null" | "dyn" }
  | { readonly kind: "list"; readonly of: ValueType }
  | { readonly kind: "map"; readonly of: ValueType }
  | { readonly kind: "record"; readonly record: RecordType };

/** A kind of fact: what its members are called, what they hold, and the sentence that the reference says about each. */
export interface RecordType {
  readonly name: string;
  readonly description: string;
  readonly members: Readonly<Record<string, FactMember>>;
}

export type FactMember = FactField | FactMethod;

/** Read as `fact.name`; the value is the property of the same name of the fact object. */
export interface FactField {
  readonly kind: "field";
  readonly type: ValueType;
  readonly description: string;
}

/** Called as `fact.name(…)`. Total: an argument of the wrong type is answered with an `invalid` Unknown. */
export interface FactMethod {
  readonly kind: "method";
  readonly parameters: readonly FactParameter[];
  readonly type: ValueType;
  readonly description: string;
  // `never`: each record's methods know their own fact; the engine passes the object that the same record type describes.
  readonly call: (fact: never, args: readonly JsonValue[]) => unknown;
}

export interface FactParameter {
  readonly name: string;
  /** Any one of these is accepted. */
  readonly types: readonly ValueType[];
  readonly optional?: boolean;
}

/** What a fact function may use beside its arguments: the request that is judged, and what the host looked up for it beforehand. */
export interface FactContext {
  readonly agentCtx: JsonObject;
  readonly payload: JsonValue;
  /** What the host's disk said of the paths in this request, by the absolute path that was looked up; absent in the pure engine. */
  readonly disk?: Readonly<Record<string, DiskFact>>;
  /** Absolute paths of Canopy's own files (policy, log, lock, keys, approvals), which the host knows and the pure engine does not. */
  readonly ownFiles?: readonly string[];
}

/** The answer of the disk about one path, taken when the request was judged and recorded with it. */
export interface DiskFact {
  /** The path with every symlink of its deepest existing parent resolved. */
  readonly real: string;
  /** Names of the file beside this one; 1 for an ordinary file, 0 where it does not exist. */
  readonly links: number;
}

/** A function that conditions call to have an argument understood: `shell(payload.command)`. Pure and total; it never throws. */
export interface FactFunction {
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly FactParameter[];
  readonly result: RecordType;
  readonly analyse: (args: readonly JsonValue[], context: FactContext) => object | Unknown;
}

export const bool: ValueType = { kind: "bool" };
export const int: ValueType = { kind: "int" };
export const string: ValueType = { kind: "string" };
export const dyn: ValueType = { kind: "dyn" };

export function list(of: ValueType): ValueType {
  return { kind: "list", of };
}

export function record(type: RecordType): ValueType {
  return { kind: "record", record: type };
}

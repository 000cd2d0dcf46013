import type { FactFunction, FactParameter, RecordType } from "../../facts/schema.ts";
import { editDistance, nearest, normal } from "../nearest.ts";
import { quoted } from "../problems.ts";
import type { Span } from "./expression.ts";
import type { PayloadShape, Type } from "./types.ts";
import { accepts, agentContextKeys, dyn, typeName } from "./types.ts";

/** Says what is wrong with a part of a condition. */
export type ReportAt = (at: Span, message: string, suggestion?: string) => void;

/** What a condition may speak of. */
export interface Vocabulary {
  readonly facts: ReadonlyMap<string, FactFunction>;
  readonly payload: PayloadShape;
  /** Fields of the payload that the same rule asks for with `has()`: these may be read though not every action has them. */
  readonly asked: ReadonlySet<string>;
  readonly report: ReportAt;
  /** Whether the expression is only quoted: then it may be of any type. */
  readonly quoting?: boolean;
}

/** The type of `name` read from a value of type `of`; `dyn` where it is reported to have no such field. */
export function memberType(at: Span, of: Type, name: string, vocabulary: Vocabulary): Type {
  switch (of.kind) {
    case "payload":
      return payloadField(at, name, vocabulary);
    case "agent_ctx": {
      if (Object.hasOwn(agentContextKeys, name)) return agentContextKeys[name] ?? dyn;
      // Any other key may be the host's own; the same word in other letters is a slip.
      const meant = Object.keys(agentContextKeys).find((key) => normal(key) === normal(name));
      if (meant !== undefined) vocabulary.report(at, `unknown key ${quoted(`agent_ctx.${name}`)}`, `agent_ctx.${meant}`);
      return dyn;
    }
    case "record":
      return factField(at, of.record, name, vocabulary);
    case "map":
      return of.of;
    case "dyn":
      return dyn;
    default:
      vocabulary.report(at, `${typeName(of)} has no fields, so no ${quoted(name)}`);
      return dyn;
  }
}

function payloadField(at: Span, name: string, vocabulary: Vocabulary): Type {
  const { payload, asked } = vocabulary;
  const found = payload.field(name);
  if ("kind" in found) return found;
  if (asked.has(name)) return dyn;
  const near = nearest(name, payload.names);
  const whose = found.lacking.map((type) => `\`${type}\``).join(", ");
  const advice = near === undefined ? `; ask with \`has(payload.${name})\` in the same rule` : "";
  vocabulary.report(
    at,
    `${quoted(`payload.${name}`)} is no field of ${whose}${advice}`,
    near === undefined ? undefined : `payload.${near}`,
  );
  return dyn;
}

/** Reports a field that `has()` asks for and that is a slip for one the actions have: it would never be there, and the rule dead. */
export function nearMiss(at: Span, name: string, { payload, report }: Vocabulary): void {
  // Among short names everything is near: `cmd` is no slip for `cwd`.
  if (payload.standard.length === 0 || payload.names.includes(name) || name.length < 5) return;
  const meant = payload.names.find((known) => editDistance(normal(known), normal(name)) <= 1);
  if (meant !== undefined)
    report(at, `${quoted(`payload.${name}`)} is no field of \`${payload.standard.join("`, `")}\``, `payload.${meant}`);
}

function factField(at: Span, record: RecordType, name: string, vocabulary: Vocabulary): Type {
  const member = Object.hasOwn(record.members, name) ? record.members[name] : undefined;
  if (member === undefined) {
    noMember(at, record, name, vocabulary.report);
    return dyn;
  }
  if (member.kind === "method") vocabulary.report(at, `\`${name}\` of \`${record.name}\` is a method; it is called as \`${name}(…)\``);
  return member.type;
}

/** The type of what a fact's method answers. */
export function factMethod(at: Span, record: RecordType, name: string, types: readonly Type[], vocabulary: Vocabulary): Type {
  const member = Object.hasOwn(record.members, name) ? record.members[name] : undefined;
  if (member?.kind === "method") {
    fitArguments(at, name, member.parameters, types, vocabulary.report);
    return member.type;
  }
  if (member !== undefined) vocabulary.report(at, `\`${name}\` of \`${record.name}\` is no method; it is read without brackets`);
  else noMember(at, record, name, vocabulary.report);
  return dyn;
}

function noMember(at: Span, record: RecordType, name: string, report: ReportAt): void {
  const names = Object.keys(record.members);
  const near = nearest(name, names);
  const choice = near === undefined ? `; its members are ${names.join(", ")}` : "";
  report(at, `\`${record.name}\` has no member ${quoted(name)}${choice}`, near);
}

/** Reports arguments that are too few, too many or of the wrong type. */
export function fitArguments(at: Span, name: string, parameters: readonly FactParameter[], types: readonly Type[], report: ReportAt): void {
  const needed = parameters.filter((parameter) => parameter.optional !== true).length;
  if (types.length < needed || types.length > parameters.length) {
    const count = needed === parameters.length ? `${needed}` : `${needed} to ${parameters.length}`;
    report(at, `\`${name}()\` takes ${count} argument${count === "1" ? "" : "s"}, not ${types.length}`);
  }
  for (const [index, type] of types.entries()) {
    const parameter = parameters[index];
    if (parameter === undefined || accepts(parameter, type)) continue;
    const wanted = parameter.types.map(typeName).join(" or ");
    report(at, `\`${name}()\` takes ${wanted} as \`${parameter.name}\`, not ${typeName(type)}`);
  }
}

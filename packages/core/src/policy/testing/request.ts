import { CanopyError } from "../../errors.ts";
import { cloneJson, isJsonObject, member } from "../../json.ts";
import type { JsonObject, JsonValue } from "../../json.ts";
import type { DiskFact } from "../../facts/schema.ts";
import { agentContextKeys } from "../condition/types.ts";
import type { EvaluationInputs } from "../condition/values.ts";
import type { MapNode, Node } from "../document.ts";
import { plain } from "../examples.ts";
import { nearest, normal } from "../nearest.ts";
import type { Report } from "../problems.ts";
import { quoted } from "../problems.ts";
import { keysOf, listItems, textOf, textOrTexts, unknownKey } from "../reading.ts";
import type { ActionRequest } from "../request.ts";
import { diskKeys, testRequestKeys } from "./format.ts";

/** A request of a test, or a part of one, by the keys of the file: `action_type`, `agent_ctx`, `payload`, `disk`, `own_files`. */
export type Draft = JsonObject;

export interface TestRequest {
  readonly request: ActionRequest;
  readonly inputs: EvaluationInputs;
}

const levels = 64;

/** The named fixtures of a file, each with what it extends. One that extends itself is reported, and empty. */
export function readFixtures(node: Node | undefined, report: Report): ReadonlyMap<string, Draft> {
  const fixtures = new Map<string, Draft>();
  if (node === undefined) return fixtures;
  if (node.kind !== "map" || node.entries.length === 0) {
    report(node.at, "`fixtures` maps names to parts of requests");
    return fixtures;
  }
  const nodes = new Map(node.entries.map(({ key, value }) => [key, value] as const));
  const resolve = (name: string, above: readonly string[]): Draft => {
    const known = fixtures.get(name);
    if (known !== undefined) return known;
    const found = nodes.get(name);
    const draft =
      found === undefined
        ? {}
        : readDraft(found, "a fixture", report, (parent, at) => {
            if (parent === name || above.includes(parent)) report(at, `the fixture ${quoted(parent)} extends itself`);
            else if (above.length >= levels) report(at, `fixtures extend one another over more than ${levels} levels`);
            else if (nodes.has(parent)) return resolve(parent, [...above, name]);
            else report(at, `there is no fixture ${quoted(parent)}`, nearest(parent, nodes.keys()));
            return {};
          });
    fixtures.set(name, draft);
    return draft;
  };
  for (const name of nodes.keys()) resolve(name, []);
  return fixtures;
}

/** Reads a request, or a part of one; `find` gives a fixture that it extends. */
export function readDraft(node: Node, what: string, report: Report, find: (name: string, at: Node["at"]) => Draft): Draft {
  if (node.kind !== "map") {
    report(node.at, `${what} is a map of ${Object.keys(testRequestKeys).map(quoted).join(", ")}`);
    return {};
  }
  for (const entry of node.entries)
    if (!Object.hasOwn(testRequestKeys, entry.key)) unknownKey(entry, `in ${what}`, Object.keys(testRequestKeys), report);
  const { extends: parents, action_type: type, agent_ctx: context, payload, disk, own_files: ownFiles } = keysOf(node);
  let draft: Draft = {};
  if (parents !== undefined) {
    for (const { text, node: named } of textOrTexts(parents, "`extends`", report)) draft = merge(draft, find(text, named.at)) as Draft;
  }
  const own: Record<string, JsonValue> = {};
  const actionType = type === undefined ? undefined : textOf(type, "`action_type`", report);
  if (actionType !== undefined) own["action_type"] = actionType;
  if (context !== undefined && context.kind !== "map") report(context.at, "`agent_ctx` is a map");
  else if (context !== undefined) own["agent_ctx"] = json(readContext(context, report), report);
  if (payload !== undefined) own["payload"] = json(payload, report);
  if (disk !== undefined) own["disk"] = readDisk(disk, report);
  if (ownFiles !== undefined)
    own["own_files"] = listItems(ownFiles, "`own_files`", report).flatMap((item) => textOf(item, "a path", report) ?? []);
  return merge(draft, own) as Draft;
}

/** Any key may be the host's own; a known one in other letters is a slip that would leave the test without what it is about. */
function readContext(node: MapNode, report: Report): MapNode {
  for (const { key, at } of node.entries) reportContextKey(key, at, report);
  return node;
}

export function reportContextKey(key: string, at: Node["at"], report: Report): void {
  const meant = Object.keys(agentContextKeys).find((known) => normal(known) === normal(key));
  if (meant !== undefined && meant !== key) report(at, `unknown key ${quoted(`agent_ctx.${key}`)}`, `agent_ctx.${meant}`);
}

function readDisk(node: Node, report: Report): JsonValue {
  if (node.kind !== "map") {
    report(node.at, "`disk` maps absolute paths to what the disk says of them, as in `/srv/a: { real: /etc/passwd, links: 1 }`");
    return {};
  }
  return Object.fromEntries(
    node.entries.map(({ key, at, value }) => {
      const keys = value.kind === "map" ? keysOf(value) : {};
      if (value.kind === "map") {
        for (const entry of value.entries)
          if (!Object.hasOwn(diskKeys, entry.key)) unknownKey(entry, "in `disk`", Object.keys(diskKeys), report);
      }
      const { real, links } = keys;
      const path = real === undefined ? undefined : textOf(real, "`real`", report);
      if (real === undefined) report(at, `${quoted(key)} has no \`real\`, the path that it leads to`);
      const count = links === undefined ? 1 : links.kind === "scalar" ? links.value : null;
      if (typeof count === "number" && Number.isSafeInteger(count) && count >= 0) return [key, { real: path ?? "", links: count }];
      report(links?.at ?? at, "`links` is a whole number");
      return [key, { real: path ?? "", links: 1 }];
    }),
  );
}

/** What YAML can write and JSON cannot carry, such as `.inf`, is reported. */
export function json(node: Node, report: Report): JsonValue {
  try {
    return cloneJson(plain(node));
  } catch (error) {
    report(node.at, error instanceof CanopyError ? error.message : "not JSON");
    return null;
  }
}

/** `over` laid over `base`: maps are joined at every depth, anything else takes the place of what was there. */
export function merge(base: JsonValue, over: JsonValue): JsonValue {
  if (!isJsonObject(base) || !isJsonObject(over)) return over;
  const joined: Record<string, JsonValue> = {};
  for (const key of new Set([...Object.keys(base), ...Object.keys(over)])) {
    const [below, above] = [member(base, key), member(over, key)];
    const value = above === undefined ? below : below === undefined ? above : merge(below, above);
    // Not an assignment: `__proto__` is a key like any other here.
    Object.defineProperty(joined, key, { value, enumerable: true });
  }
  return joined;
}

/** The value `value` under `path`, as a draft to lay over another. */
export function nested(path: readonly string[], value: JsonValue): JsonValue {
  return path.reduceRight<JsonValue>((inner, key) => {
    const holder: Record<string, JsonValue> = {};
    Object.defineProperty(holder, key, { value: inner, enumerable: true });
    return holder;
  }, value);
}

/** The draft as a request; a clause that says what is missing. */
export function requestOf(draft: Draft): TestRequest | string {
  const { action_type: actionType, agent_ctx: agentCtx, disk, own_files: ownFiles } = draft;
  const payload = member(draft, "payload");
  if (typeof actionType !== "string") return "the request has no `action_type`";
  if (payload === undefined) return "the request has no `payload`";
  return {
    request: { actionType, agentCtx: agentCtx !== undefined && isJsonObject(agentCtx) ? agentCtx : {}, payload },
    inputs: {
      ...(disk === undefined ? {} : { disk: disk as unknown as Readonly<Record<string, DiskFact>> }),
      ...(ownFiles === undefined ? {} : { ownFiles: ownFiles as readonly string[] }),
    },
  };
}

import type { Approval } from "./approval.ts";
import { visible } from "./visible.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";

/** Longer texts are cut, and what is left out is counted. */
const longestText = 4_000;
const mostItems = 40;
const mostLines = 1_000;

/**
 * What would run, for a person to read before they decide: made from `action`, the bytes that the digest is over, and from what the log says of the
 * request. Each line that quotes the action begins with `│`, so that nothing in it can pass for ours. The same bytes give the same text.
 */
export async function preview(approval: Approval, action: string | null): Promise<string> {
  const lines = [
    `${approval.id} (${approval.state})`,
    `asked by    ${shown(approval.agent ?? "an agent without a name")}, ${approval.avid}`,
    `asked at    ${approval.requestedAt.toISOString()}, to be decided by ${approval.decideBy.toISOString()}`,
    `because     ${shown(approval.reason)}`,
    `rules       ${approval.rules.map(({ id, file, line }) => shown(`${id} (${file}:${line})`)).join(", ") || "none, the policy's default"}`,
    `severity    ${approval.severity ?? "not said"}${approval.wants === "key" ? ", to be signed with an approver's key" : ""}`,
    `digest      ${approval.digest}`,
  ];
  if (approval.problem !== null) lines.push(`PROBLEM     ${approval.problem}`);
  if (action === null) return [...lines, "The action is not shown: what is stored is not what was asked about."].join("\n");
  const { hidden } = visible(JSON.parse(action) as JsonValue);
  if (hidden > 0)
    lines.push(`CAREFUL     it holds ${hidden} characters that cannot be seen or change how text reads; they are spelt out as ⟨U+…⟩`);
  const cuts: Cuts = { count: 0 };
  const described = await describe(JSON.parse(action) as JsonValue, cuts);
  const more = described.length - mostLines;
  if (more > 0) cuts.count += 1;
  if (cuts.count > 0) lines.push("CAREFUL     it is too long to be shown whole: what is left out is counted where it is missing");
  const shownLines = more > 0 ? [...described.slice(0, mostLines), `… and ${more} more lines, which are not shown`] : described;
  return [...lines, ...shownLines].join("\n");
}

/** How often something was left out. */
interface Cuts {
  count: number;
}

async function describe(action: JsonValue, cuts: Cuts): Promise<readonly string[]> {
  if (!isJsonObject(action)) return [];
  const { tool = null, actions = [], agent_ctx: agentCtx = {} } = action;
  const lines: string[] = [];
  for (const each of Array.isArray(actions) ? (actions as readonly JsonValue[]) : []) {
    if (!isJsonObject(each)) continue;
    lines.push("", `would ${said(each["action_type"])}`, ...quoted(each["payload"] ?? null, cuts));
    const leadsTo = each["leads_to"];
    if (isJsonObject(leadsTo)) lines.push("where the disk says that paths lead", ...quoted(leadsTo, cuts));
    const open = each["open"];
    if (Array.isArray(open)) lines.push("what is not known of it", ...quoted(open, cuts));
    const understood = await understand(each["action_type"] ?? null, isJsonObject(agentCtx) ? agentCtx : {}, each["payload"] ?? null);
    if (understood !== null) lines.push("what was understood", ...quoted(understood, cuts));
  }
  if (isJsonObject(tool)) {
    lines.push("", `by the tool ${said(tool["name"])} with`, ...quoted(tool["args"] ?? null, cuts));
    if (tool["toctou"] === "unprotected")
      lines.push("CAREFUL     the tool's arguments could not be frozen: what runs may differ from this");
  }
  return [...lines, "", "for the agent", ...quoted(agentCtx, cuts)];
}

/** The facts that say something: what is there, what holds, and what could not be told. */
async function understand(actionType: JsonValue, agentCtx: JsonObject, payload: JsonValue): Promise<JsonObject | null> {
  if (typeof actionType !== "string") return null;
  const [{ describeAction }, { factFunctions }] = await Promise.all([import("../facts/describe.ts"), import("../facts/index.ts")]);
  const found = describeAction(factFunctions, actionType, { agentCtx, payload });
  if (found === null) return null;
  const telling = Object.entries(found).flatMap(([name, value]) => {
    const words = saying(value);
    return name === "fact" || words === null ? [] : [[name, words] as const];
  });
  return telling.length === 0 ? null : Object.fromEntries(telling);
}

function saying(value: JsonValue): JsonValue {
  if (value === false || value === null || value === "") return null;
  if (!isJsonObject(value)) return Array.isArray(value) && value.length === 0 ? null : value;
  const items = member(value, "items");
  const open = member(value, "open");
  if (!Array.isArray(items)) return value;
  const more = typeof open === "string" ? [`there could be more: ${open}`] : [];
  const all = [...(items as readonly JsonValue[]), ...more];
  return all.length === 0 ? null : all;
}

/** A value as lines behind a bar. */
function quoted(value: JsonValue, cuts: Cuts): readonly string[] {
  return render(value, "", cuts).map((line) => `  │ ${line}`);
}

function render(value: JsonValue, indent: string, cuts: Cuts): readonly string[] {
  if (typeof value === "string") return textLines(value, cuts).map((line) => indent + line);
  if (typeof value !== "object" || value === null) return [`${indent}${JSON.stringify(value)}`];
  const entries: readonly (readonly [string, JsonValue])[] = isJsonObject(value)
    ? Object.entries(value).map(([key, item]) => [`${shown(key)}:`, item] as const)
    : value.map((item) => ["-", item] as const);
  if (entries.length === 0) return [`${indent}${isJsonObject(value) ? "{}" : "[]"}`];
  const lines = entries.slice(0, mostItems).flatMap(([key, item]) => {
    const inner = render(item, "", cuts);
    const isShort = inner.length === 1 && (typeof item !== "object" || item === null);
    return isShort ? [`${indent}${key} ${inner[0] ?? ""}`] : [`${indent}${key}`, ...inner.map((line) => `${indent}  ${line}`)];
  });
  if (entries.length > mostItems) cuts.count += 1;
  return entries.length > mostItems ? [...lines, `${indent}… and ${entries.length - mostItems} more`] : lines;
}

function textLines(text: string, cuts: Cuts): readonly string[] {
  const kept = text.slice(0, longestText).toWellFormed();
  const lines = (kept === "" ? ["(empty)"] : kept.split("\n")).map(shown);
  if (text.length > longestText) cuts.count += 1;
  return text.length > longestText ? [...lines, `… and ${text.length - longestText} more characters, which are not shown`] : lines;
}

function said(value: JsonValue | undefined): string {
  return visible(value ?? null).text;
}

function shown(text: string): string {
  return visible(text).text;
}

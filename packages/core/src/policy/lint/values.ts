import { directory } from "../../facts/path/location.ts";
import { hostPattern } from "../../facts/url/address.ts";
import { constantTexts } from "../condition/compare.ts";
import { pathOf } from "../condition/expression.ts";
import type { Expression } from "../condition/expression.ts";
import { quoted } from "../problems.ts";
import type { Find, Subject } from "./subject.ts";
import { textOf, walk, words } from "./walk.ts";
import type { Visit } from "./walk.ts";

/** Finds texts that can never be what the value is, and arguments that are none. */
export function findWrongValues(subject: Subject, spellings: Spellings, find: Find): void {
  walk(subject, (visit) => {
    const { expression, at } = visit;
    if (expression.kind === "compare") {
      for (const { value, text, beside } of comparedTexts(expression)) {
        const right = properCase(value, text, subject, visit) ?? otherSpelling(value, text, spellings);
        // A list that has both means both.
        if (right !== null && right !== text && !beside.has(right)) {
          find(
            "wrong-case",
            at,
            `${quoted(text)} is written ${quoted(right)} where ${quoted(words(subject.block, value))} is set`,
            `\`${right}\``,
          );
        }
      }
      safeList(visit, expression, find);
    }
    if (expression.kind === "method") {
      badArguments(subject, visit, expression, find);
      const pattern = expression.name === "matches" ? textOf(expression.args[0]) : undefined;
      const dotted =
        pattern === undefined ? null : /[a-z0-9-]\.(?:com|org|net|io|dev|app|cloud|internal|local|example)(?![a-z0-9])/i.exec(pattern);
      if (dotted !== null)
        find("unescaped-dot", at, `the dot in ${quoted(dotted[0])} matches any character`, "write it as `\\.`, or ask `host_in`");
    }
  });
}

/** The texts with which the fields of agent contexts and payloads are compared: by field, each text with the rules' own spelling of it. */
export type Spellings = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

export function spellingsOf(subjects: readonly Subject[]): Spellings {
  const found = new Map<string, Map<string, Set<string>>>();
  for (const subject of subjects) {
    walk(subject, ({ expression }) => {
      if (expression.kind !== "compare") return;
      for (const { value, text } of comparedTexts(expression)) {
        const path = pathOf(value)?.join(".");
        if (path === undefined) continue;
        const texts = found.get(path) ?? new Map<string, Set<string>>();
        found.set(path, texts);
        const same = texts.get(text.toLowerCase()) ?? new Set<string>();
        texts.set(text.toLowerCase(), same.add(text));
      }
    });
  }
  return found;
}

/** Where the policy spells the same text in two ways, the one in lower case is taken to be right. */
function otherSpelling(value: Expression, text: string, spellings: Spellings): string | null {
  const path = pathOf(value)?.join(".");
  const lower = text.toLowerCase();
  const known = path === undefined ? undefined : spellings.get(path)?.get(lower);
  return known !== undefined && known.size > 1 && known.has(lower) ? lower : null;
}

interface Compared {
  readonly value: Expression;
  readonly text: string;
  /** The other texts that the value may be. */
  readonly beside: ReadonlySet<string>;
}

const alone: ReadonlySet<string> = new Set();

function comparedTexts({ operator, left, right }: Expression & { readonly kind: "compare" }): readonly Compared[] {
  const [a, b] = [textOf(left), textOf(right)];
  if (operator === "in") {
    if (a !== undefined) return [{ value: right, text: a, beside: alone }];
    const texts = constantTexts(right);
    return texts === undefined ? [] : [...texts].map((text) => ({ value: left, text, beside: texts }));
  }
  if (operator !== "==" && operator !== "!=") return [];
  if (a !== undefined) return [{ value: right, text: a, beside: alone }];
  return b === undefined ? [] : [{ value: left, text: b, beside: alone }];
}

const lower = (text: string): string => text.toLowerCase();
const upper = (text: string): string => text.toUpperCase();

/** Members of facts that are always written in one case, by the name of their record. */
const cases: Readonly<Record<string, Readonly<Record<string, (text: string) => string>>>> = {
  Url: { scheme: lower, host: lower, hosts: lower, address_class: lower, problems: lower, routed_to: lower, mentioned: lower },
  Path: { problems: lower, protected: lower },
  Sql: { verbs: upper, dialect: lower, problems: lower },
  SqlStatement: { verb: upper },
  ShellNetworkUse: { host: lower },
};

const environments: ReadonlySet<string> = new Set([
  "production",
  "prod",
  "staging",
  "development",
  "dev",
  "test",
  "qa",
  "ci",
  "local",
  "sandbox",
]);

function properCase(value: Expression, text: string, subject: Subject, visit: Visit): string | null {
  const path = pathOf(value)?.join(".");
  if (path === "agent_ctx.env" && environments.has(text.toLowerCase())) return text.toLowerCase();
  if (path === "payload.method" && subject.actionTypes.includes("call_external_api")) return text.toUpperCase();
  // An item of a list is written as the list's items are.
  const source = value.kind === "variable" ? visit.lists.get(value.name) : value;
  if (source?.kind !== "member") return null;
  const of = subject.types.get(source.of);
  if (of?.kind !== "record") return null;
  const known = cases[of.record.name]?.[source.name] ?? (source.name === "kind" ? lower : undefined);
  return known === undefined ? null : known(text);
}

function safeList({ at }: Visit, { operator, right }: Expression & { readonly kind: "compare" }, find: Find): void {
  const path = operator === "in" ? pathOf(right)?.join(".") : undefined;
  if (path === "agent_ctx.safe_paths") {
    find(
      "safe-list-in",
      at,
      `\`in\` asks whether the text is one of the directories, not whether it lies in one`,
      "`path(payload.path).within(agent_ctx.safe_paths)`",
    );
  } else if (path === "agent_ctx.safe_hosts") {
    find(
      "safe-list-in",
      at,
      `\`in\` asks whether the text is one of the entries; \`*.name\` and other spellings of a host are not seen`,
      "`url(payload.url).host_in(agent_ctx.safe_hosts)`",
    );
  }
}

function badArguments(subject: Subject, { at }: Visit, expression: Expression & { readonly kind: "method" }, find: Find): void {
  const of = subject.types.get(expression.on);
  if (of?.kind !== "record") return;
  const [argument] = expression.args;
  if (argument === undefined) return;
  const texts =
    textOf(argument) === undefined
      ? argument.kind === "list"
        ? argument.items.flatMap((item) => textOf(item) ?? [])
        : null
      : [textOf(argument) ?? ""];
  if (texts === null) return;
  if (expression.name === "host_in" && of.record.name === "Url") {
    if (texts.length === 0 && argument.kind === "list" && argument.items.length === 0)
      find("bad-argument", at, "the list of hosts is empty, so no host is in it", "name the hosts");
    for (const text of texts) {
      if (hostPattern(text) === null)
        find(
          "bad-argument",
          at,
          `${quoted(JSON.stringify(text))} is neither a host nor \`*.\` and a name, so the condition is invalid`,
          "`api.example.com` or `*.example.com`",
        );
    }
  }
  if ((expression.name === "within" || expression.name === "strictly_within") && of.record.name === "Path") {
    if (texts.length === 0 && argument.kind === "list" && argument.items.length === 0)
      find("bad-argument", at, "the list of directories is empty, so no path is in it", "name the directories");
    for (const text of texts) {
      if (directory(text) === null)
        find("bad-argument", at, `${quoted(JSON.stringify(text))} is no absolute directory, so the condition is invalid`, "`/srv/app`");
    }
  }
}

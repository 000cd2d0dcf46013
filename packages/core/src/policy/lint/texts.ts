import { unreachable } from "../../unreachable.ts";
import type { FactFunction } from "../../facts/schema.ts";
import { Effects } from "../../facts/effects.ts";
import { constantTexts } from "../condition/compare.ts";
import type { Expression } from "../condition/expression.ts";
import { payloadShape } from "../condition/types.ts";
import type { Assembly } from "../assemble.ts";
import { quoted } from "../problems.ts";
import { understood } from "../warnings.ts";
import type { LintId } from "./catalogue.ts";
import type { Find, Subject } from "./subject.ts";
import { originOf, textOf, walk, words } from "./walk.ts";
import type { Visit } from "./walk.ts";

/** What a text is the text of. */
type Kind = "command" | "path" | "url" | "query";

const searches: readonly string[] = ["contains", "startsWith", "endsWith", "matches"];
const ids: Readonly<Record<Kind, LintId>> = { command: "text-command", path: "text-path", url: "text-url", query: "text-query" };

/** Finds text tests on what facts understand: text is easily dressed up, and the same thing has many spellings. */
export function findTextTests(subject: Subject, { workshop }: Assembly, find: Find): void {
  const shell = workshop.facts.get("shell");
  walk(subject, (visit) => {
    const { expression } = visit;
    if (expression.kind === "method" && searches.includes(expression.name)) search(subject, visit, expression, shell, find);
    if (expression.kind === "compare") equality(subject, visit, expression, shell, find);
  });
}

function search(
  subject: Subject,
  visit: Visit,
  expression: Expression & { readonly kind: "method" },
  shell: FactFunction | undefined,
  find: Find,
): void {
  const literal = textOf(expression.args[0]);
  const text = literal === undefined ? undefined : expression.name === "matches" ? plainOf(literal) : literal;
  const whole = expression.on.kind === "variable" && expression.on.name === "payload";
  const kind = whole ? wholeKind(subject, text, shell) : kindOf(expression.on, subject, visit, text);
  const searched = quoted(words(subject.block, expression));
  const anywhere = expression.name === "contains" && originOf(expression.on, visit.lists) === "payload";
  if (visit.loosens && (whole || anywhere || kind !== null)) {
    const better =
      kind === null
        ? whole
          ? "compare a field of the payload"
          : "compare the whole text, with `==`, `in`, or a regex from `^` to `$`"
        : (hostForm(expression, literal) ?? looser[kind]);
    find(
      "allow-text",
      visit.at,
      `${searched} is easily satisfied by whoever writes the payload, also beside what it should not let pass`,
      better,
    );
  } else if (!visit.loosens && kind !== null) {
    find(
      ids[kind],
      visit.at,
      `${searched} is a test of text, and the same thing has many spellings`,
      exacter(kind, text, expression, shell),
    );
  }
}

/** An exact text lets through what it says; what it keeps out has other spellings. */
function equality(
  subject: Subject,
  visit: Visit,
  expression: Expression & { readonly kind: "compare" },
  shell: FactFunction | undefined,
  find: Find,
): void {
  const { operator, left, right } = expression;
  if (operator !== "==" && operator !== "!=" && operator !== "in") return;
  if (visit.loosens !== (operator === "!=")) return;
  const [value, texts] = left.kind === "literal" ? [right, textsOf(left)] : [left, textsOf(right)];
  const [text] = texts;
  if (text === undefined || fieldKind(value, subject) === null) return;
  const kind = fieldKind(value, subject);
  if (kind === null) return;
  find(
    ids[kind],
    visit.at,
    `${quoted(words(subject.block, expression))} compares one spelling, and the same thing has many`,
    exacter(kind, text, expression, shell),
  );
}

function textsOf(expression: Expression): readonly string[] {
  const text = textOf(expression);
  return text === undefined ? [...(constantTexts(expression) ?? [])] : [text];
}

/** The field of a standard action that a fact understands. */
function fieldKind(expression: Expression, subject: Subject): Kind | null {
  if (expression.kind !== "member" || expression.of.kind !== "variable" || expression.of.name !== "payload") return null;
  const standard = payloadShape(subject.actionTypes).standard.find((type) => understood[type]?.field === expression.name);
  return standard === undefined ? null : (kinds[understood[standard]?.fact ?? ""] ?? null);
}

const kinds: Readonly<Record<string, Kind>> = { shell: "command", path: "path", url: "url", sql: "query" };

/** Members of facts that are text, and say less than other members. */
const factTexts: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  ShellCommand: { text: "command" },
  Path: { text: "path", absolute: "path" },
  Url: { text: "url", host: "url" },
  ShellNetworkUse: { host: "url" },
};

function kindOf(expression: Expression, subject: Subject, visit: Visit, text: string | undefined): Kind | null {
  const field = fieldKind(expression, subject);
  if (field === "url") return text === undefined || likeAddress(text) ? "url" : null;
  if (field !== null) return field;
  if (expression.kind === "member") {
    const of = subject.types.get(expression.of);
    const known = of?.kind === "record" ? factTexts[of.record.name]?.[expression.name] : undefined;
    if (known !== undefined) return known;
    const own = expression.of.kind === "variable" && expression.of.name === "payload";
    return own && text !== undefined && /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? "url" : null;
  }
  if (expression.kind === "variable") {
    const list = visit.lists.get(expression.name);
    const of = list?.kind === "member" ? subject.types.get(list.of) : undefined;
    if (list?.kind === "member" && of?.kind === "record" && of.record.name === "Url" && list.name === "hosts") return "url";
  }
  return null;
}

/** What a text that is searched for anywhere in the payload is the text of, where it is plainly something that a fact knows. */
function wholeKind(subject: Subject, text: string | undefined, shell: FactFunction | undefined): Kind | null {
  if (text === undefined) return null;
  for (const type of payloadShape(subject.actionTypes).standard) {
    const kind = kinds[understood[type]?.fact ?? ""];
    if (kind === "command" && isPlainlyCommand(text, shell)) return kind;
    if (kind === "path" && /[/\\]|^[.~]/.test(text)) return kind;
    if (kind === "url" && likeAddress(text)) return kind;
    if (kind === "query" && sqlWords.test(text)) return kind;
  }
  return null;
}

const sqlWords =
  /^\s*(?:select|insert|update|delete|drop|truncate|alter|grant|revoke|create|merge|replace|exec|execute|call|copy|union)\b/i;

function likeAddress(text: string): boolean {
  return (
    /:\/\/|@|\blocalhost\b|^\d{1,3}(?:\.\d{1,3}){1,3}|(?:^|[./])[a-z0-9-]+\.[a-z]{2,}/i.test(text) ||
    /^(?:https?|ftp|file|data|javascript):/i.test(text)
  );
}

/** `host_in` for the end of a host. */
function hostForm(expression: Expression & { readonly kind: "method" }, text: string | undefined): string | null {
  const isHost = expression.on.kind === "variable" || (expression.on.kind === "member" && expression.on.name === "host");
  if (!isHost || expression.name !== "endsWith" || text === undefined || !/^\.?[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(text)) return null;
  return `\`url(payload.url).host_in(${JSON.stringify(`*.${text.replace(/^\./, "")}`)})\``;
}

const looser: Readonly<Record<Kind, string>> = {
  command:
    'ask what the command does, as in `shell(payload.command).programs.all(p, p in ["ls"])` with the lists of what it may not do empty',
  path: 'ask where the path leads, as in `path(payload.path).within("/srv/app")`',
  url: 'ask which host is reached, as in `url(payload.url).host_in(["api.example.com"])`',
  query: "ask what the query does, as in `sql(payload.query).reads_only`",
};

function exacter(kind: Kind, text: string | undefined, expression: Expression, shell: FactFunction | undefined): string {
  switch (kind) {
    case "command": {
      const effect = text === undefined ? null : effectOf(text, shell);
      if (effect !== null) {
        const alone = `\`${JSON.stringify(effect.program)} in shell(payload.command).programs\``;
        return effect.question === null ? alone : `\`${effect.question}\`, or ${alone} where that program alone is meant`;
      }
      return text === undefined
        ? "ask `shell(payload.command)`"
        : `\`payload contains ${JSON.stringify(text)}\`, which also sees what quoting hides`;
    }
    case "path":
      if (expression.kind === "method" && expression.name === "endsWith") return "`path(payload.path).name`, or a fact such as `secret`";
      return text?.startsWith("/") === true
        ? `\`path(payload.path).within(${JSON.stringify(text)})\``
        : "`path(payload.path).within(…)`, or a fact such as `system`, `secret` and `canopy`";
    case "url":
      return "`url(payload.url).host_in(…)`, `scheme`, `internal` or `deceptive`";
    case "query":
      return "`sql(payload.query).verbs`, `tables`, `functions` or `destructive`";
    default:
      return unreachable(kind);
  }
}

/** Many programs are called like ordinary words; one that does harm, or stands with an option or a path, is hardly meant as one. */
function isPlainlyCommand(text: string, shell: FactFunction | undefined): boolean {
  const effect = effectOf(text, shell);
  return effect !== null && (/ -|\//.test(text) || /\.(?:hazards|deletes|network|installs|privileges)\./.test(effect.question ?? ""));
}

/** What of a command's understanding speaks of the text; null where it is no command that is known. */
function effectOf(text: string, shell: FactFunction | undefined): { readonly program: string; readonly question: string | null } | null {
  const typed = text.trim();
  if (!/^[a-z][\w.-]*(?: [^$`"'|;&<>()]*)?$/.test(typed) || shell === undefined) return null;
  // Most commands do what they do to something.
  const operand = "x";
  const fact = shell.analyse([`${typed} ${operand}`], { agentCtx: {}, payload: {} }) as Readonly<Record<string, unknown>>;
  const items = (name: string): readonly unknown[] => {
    const list = fact[name];
    return list instanceof Effects ? list.items : Array.isArray(list) ? list : [];
  };
  const [program] = items("programs");
  if (items("unrecognized").some((name) => name !== operand) || typeof program !== "string") return null;
  const asked = "shell(payload.command)";
  const deleted = items("deletes") as readonly { readonly recursive?: unknown }[];
  if (deleted.some(({ recursive }) => recursive === true)) return { program, question: `${asked}.deletes.exists(d, d.recursive)` };
  const effect = ["hazards", "deletes", "network", "installs", "privileges", "code", "changes", "writes"].find(
    (name) => items(name).length > 0,
  );
  return { program, question: effect === undefined ? null : `${asked}.${effect}.exists(x, true)` };
}

/** The plain text that a regex begins with, or the first of its alternatives; undefined where it begins with none. */
function plainOf(pattern: string): string | undefined {
  const spaced = pattern
    .replace(/^\(\?[a-z]+\)/, "")
    .replaceAll(/\\s[+*]?|\[ \][+*]?| \+/g, " ")
    .replaceAll(/\\b|[\^$]/g, "")
    .replace(/^(?:\((?:\?:)?)+/, "");
  const [plain = ""] = /^(?:\\[./-]|[^\\()[\]{}|*+?.])*/.exec(spaced) ?? [];
  const text = plain.replaceAll("\\", "").trim();
  return text === "" ? undefined : text;
}

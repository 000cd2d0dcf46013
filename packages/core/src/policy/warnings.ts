import { standardActions } from "./actions.ts";
import { children, pathOf } from "./condition/expression.ts";
import type { Expression } from "./condition/expression.ts";
import { payloadShape } from "./condition/types.ts";
import { expressionsOf } from "./conditions.ts";
import type { DraftRule } from "./draft.ts";
import { isGlob } from "./glob.ts";
import { editDistance, normal } from "./nearest.ts";
import { quoted } from "./problems.ts";
import type { PolicyProblem } from "./problems.ts";

/** What loads, but hardly says what was meant. */
export function warningsAbout(draft: DraftRule): readonly PolicyProblem[] {
  return [...actionTypeWarnings(draft), ...searchWarnings(draft), ...regexWarnings(draft)];
}

/** `execute_shel` is a legal name for somebody's own action, and almost surely none. */
export function actionTypeWarnings({ source, file }: DraftRule): readonly PolicyProblem[] {
  return source.actionTypes.flatMap(({ text, at }) => {
    if (isGlob(text) || Object.hasOwn(standardActions, text)) return [];
    const near = Object.keys(standardActions).find(
      (name) => Math.abs(text.length - name.length) <= 4 && editDistance(normal(text), normal(name)) <= 2,
    );
    return near === undefined ? [] : [{ file, ...at, message: `${quoted(text)} is not a standard action type`, suggestion: near }];
  });
}

/** The field that says what a standard action does, and the fact that understands it. */
export const understood: Readonly<Record<string, { readonly field: string; readonly fact: string }>> = {
  execute_shell: { field: "command", fact: "shell" },
  read_file: { field: "path", fact: "path" },
  modify_file: { field: "path", fact: "path" },
  delete_file: { field: "path", fact: "path" },
  call_external_api: { field: "url", fact: "url" },
  execute_query: { field: "query", fact: "sql" },
};

/** Whoever writes the payload can write what an ALLOW looks for beside what it should not see: `ls; rm -rf /` starts with `ls`. */
function searchWarnings({ source, file, actionTypes, condition }: DraftRule): readonly PolicyProblem[] {
  if (source.decision !== "ALLOW") return [];
  const [first] = payloadShape(actionTypes).standard;
  const better = first === undefined ? undefined : understood[first];
  const searched = new Set(expressionsOf(condition).flatMap(searchedPaths));
  const whole = searched.has("payload");
  const field = better === undefined ? undefined : `payload.${better.field}`;
  if (!whole && (field === undefined || !searched.has(field))) return [];
  const advice = better === undefined ? "compare a field of the payload" : `ask \`${better.fact}(payload.${better.field})\``;
  const what = whole ? "the payload" : `\`${field}\``;
  return [{ file, ...source.at, message: `an ALLOW that searches ${what} for text is easily satisfied; ${advice} instead` }];
}

/** What an expression searches for text, as paths: `payload.command`. */
function searchedPaths(expression: Expression): readonly string[] {
  const inner = children(expression).flatMap(searchedPaths);
  if (expression.kind !== "method" || !["contains", "startsWith", "endsWith", "matches"].includes(expression.name)) return inner;
  const path = pathOf(expression.on);
  return path === undefined ? inner : [...inner, path.join(".")];
}

/** A text that is searched for as it stands, and that no payload will ever hold. */
export function regexWarnings({ source, file, condition }: DraftRule): readonly PolicyProblem[] {
  const texts = expressionsOf(condition).flatMap(searchedTexts);
  return texts
    .filter((text) => /\\[sdwbSDWB]|\.[*+]|\(\?/.test(text))
    .map((text) => ({
      file,
      ...source.at,
      message: `${quoted(text)} is searched for as it stands; a regex is asked with \`matches\` or \`*_regex\``,
    }));
}

function searchedTexts(expression: Expression): readonly string[] {
  const inner = children(expression).flatMap(searchedTexts);
  const [argument] = expression.kind === "method" && expression.name === "contains" ? expression.args : [];
  return argument?.kind === "literal" && typeof argument.value === "string" ? [...inner, argument.value] : inner;
}

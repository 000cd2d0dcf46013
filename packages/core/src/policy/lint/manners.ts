import { matchesGlob } from "../glob.ts";
import { quoted } from "../problems.ts";
import type { Assembly } from "../assemble.ts";
import { keysOf } from "../reading.ts";
import { actionTypeWarnings, regexWarnings } from "../warnings.ts";
import type { Find, Subject } from "./subject.ts";

/** Finds what a rule should say of itself and does not, and what loading warns about. */
export function findBadManners({ draft, id, at, decision }: Subject, find: Find): void {
  if (draft === null) return;
  const { source } = draft;
  for (const { message, suggestion, line, column } of actionTypeWarnings(draft)) {
    find("action-type-slip", { line, column }, message, suggestion === undefined ? undefined : `\`${suggestion}\``);
  }
  for (const { message, line, column } of regexWarnings(draft)) find("regex-as-text", { line, column }, message, "`matches`");
  // The items of `deny_if` and its like have no place to say more.
  if (source.condition.kind === "search") return;
  if (source.id === null)
    find("missing-id", at, `the rule is called ${quoted(id)}, which changes whenever its meaning does`, "give it an `id`");
  if (source.reason === null) {
    find(
      "missing-reason",
      at,
      decision === "ALLOW" ? "the rule does not say why it allows" : "people and models are not told why",
      "give it a `reason`",
    );
  }
  if (!source.examples.some(({ matches }) => matches))
    find("missing-examples", at, "no example shows that the rule can apply", "give it `examples` with a `match`");
}

/** Finds what is odd about the policy as a whole. */
export function findInPolicy({ files, policy, repeats }: Assembly, find: Find): void {
  const [root] = files;
  if (root === undefined || root.document.kind !== "map") return;
  for (const { file, line, column, message } of repeats)
    if (file === root.source.name) find("repeated-rule", { line, column }, message, "leave it out");
  const { default: fallback, actions } = keysOf(root.document);
  if (root.file.default === "ALLOW" && fallback !== undefined) {
    find("default-allow", fallback.at, "what no rule is about is allowed, and so is every new tool", "`REQUIRE_APPROVAL` or `DENY`");
  }
  if (actions?.kind !== "map") return;
  for (const { key, at } of actions.entries) {
    for (const { actionType } of root.file.bindings.get(key) ?? []) {
      if (policy.rules.some(({ actionTypes }) => actionTypes.some((pattern) => matchesGlob(pattern, actionType)))) continue;
      find(
        "unused-binding",
        at,
        `the tool ${quoted(key)} is bound to ${quoted(actionType)}, which no rule is about`,
        "write a rule about it, or name the action that is meant",
      );
    }
  }
}

import { check, askedFields } from "./condition/check.ts";
import type { PayloadShape } from "./condition/types.ts";
import { expressionsOf } from "./conditions.ts";
import type { ParsedBlock, Workshop } from "./conditions.ts";
import type { Report } from "./problems.ts";
import { quoted } from "./problems.ts";
import type { Located } from "./read-rule.ts";
import type { Template } from "./rule.ts";

/** What a reason says of a rule whose conditions are true, where it is the same for every request. */
export function constantSentence(reason: Template, label: string): string | null {
  const [said, ...more] = reason;
  if (said === undefined) return label;
  return typeof said === "string" && more.length === 0 ? `${said} (${label})` : null;
}

/** Reads a reason: text, with values quoted as `{payload.path}` or `{shell(payload.command).programs}`. */
export function compileTemplate(
  reason: Located,
  condition: ParsedBlock,
  payload: PayloadShape,
  workshop: Workshop,
  report: Report,
): Template {
  const asked = new Set(expressionsOf(condition).flatMap(askedFields));
  // The engine ends the sentence.
  const sentence = reason.text.replace(/[.\s]+$/, "");
  // Split by a group, the odd pieces are what stood in braces.
  return sentence.split(/\{([^{}]*)\}/).flatMap((piece, index): Template => {
    if (index % 2 === 0) return piece === "" ? [] : [piece];
    const text = piece.trim();
    const parsed = workshop.parse(text);
    if (!("expression" in parsed)) {
      report(reason.at, `a reason quotes values, as in \`{payload.path}\`, not ${quoted(`{${piece}}`)}`);
      return [];
    }
    const types = check(parsed.expression, {
      facts: workshop.facts,
      payload,
      asked,
      quoting: true,
      report: (_at, message, suggestion) => report(reason.at, message, suggestion),
    });
    const source = { text, types, report: (_at: unknown, message: string): void => report(reason.at, message) };
    return [{ text, run: workshop.compiler.compileValue(parsed.expression, source) }];
  });
}

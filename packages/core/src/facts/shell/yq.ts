import type { Call } from "./call.ts";
import { literal, unknown } from "./text.ts";
import type { Text } from "./text.ts";

/** Words of its language that only compute (yq manual, "Operators"); `env`, `load`, `eval`, `input` and whatever is new reach further. */
const computing: ReadonlySet<string> = new Set(
  `and or not true false null select map map_values keys length has in type tag kind first last any all min max add join split test match
   sort sort_by sort_keys unique unique_by group_by reverse flatten to_entries from_entries with_entries path contains upcase downcase trim
   to_number to_string tostring tonumber line column document_index filename comments`
    .trim()
    .split(/\s+/),
);

/** yq(1), of either kind: an expression that only picks and compares is harmless. */
export function judgeYq(call: Call): Text {
  const [first] = call.operands;
  const words = /^(?:e|eval|ea|eval-all)$/.test(literal(first) ?? "") ? call.operands.slice(1) : call.operands;
  const [expression, ...files] = words;
  const text = literal(expression);
  if (text === undefined || !isPlainYq(text)) call.effect("secret:environment");
  for (const file of files) {
    call.read(file);
    if (call.has("-i")) call.write(file);
  }
  return unknown(call.stdin.sources);
}

/** Whether an expression has no way to reach beyond its input. Where in doubt, it has. */
export function isPlainYq(expression: string): boolean {
  const rest = expression.replaceAll(/\.?"[^"\\]*"|\.[A-Za-z_][\w-]*|[A-Za-z_]\w*/g, (token) =>
    !/^[A-Za-z_]/.test(token) || computing.has(token) ? " " : token,
  );
  return /^[\s\d.|,[\]():=!<>*+?-]*$/.test(rest);
}

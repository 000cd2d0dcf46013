import type { Grammar, OptionSpec } from "./grammar.ts";
import { mark, rest } from "./text.ts";
import type { Field } from "./text.ts";

export interface Option {
  readonly spec: OptionSpec;
  readonly value: Field | undefined;
}

export interface Arguments {
  readonly options: readonly Option[];
  readonly operands: readonly Field[];
  /** Why the options are not understood, as a clause; null when all are. */
  readonly problem: string | null;
  /** Some word may be an option, as far as is known. */
  readonly loose: boolean;
  /** Where `--` stood, as an index into the operands. */
  readonly ended: number | undefined;
}

/**
 * Reads arguments as `getopt_long` does: clusters, attached values, unique abbreviations of long options, `--`, operands in between unless
 * the grammar is ordered. What it cannot place is a `problem`, and is then no operand; the rest is read all the same.
 */
export function readArguments(args: readonly Field[], grammar: Grammar): Arguments {
  const options: Option[] = [];
  const operands: Field[] = [];
  let problem: string | null = null;
  let loose = false;
  let ended: number | undefined;
  let at = 0;

  const unknownOption = (text: string): void => {
    problem ??= `option \`${text}\` is not known`;
  };

  const take = (spec: OptionSpec, attached: Field | undefined): void => {
    if (spec.value === "needed" && attached === undefined) {
      const value = args[at + 1];
      if (value === undefined) problem ??= `option \`${spec.name}\` has no value`;
      else at += 1;
      options.push({ spec, value });
    } else {
      options.push({ spec, value: attached });
    }
  };

  for (; at < args.length; at += 1) {
    const item = args[at];
    if (item === undefined) break;
    const { text } = item;
    if (ended !== undefined) {
      operands.push(item);
    } else if (text === "--" && !grammar.words) {
      ended = operands.length;
    } else if (mayBeOption(item)) {
      loose = true;
      operands.push(item);
      if (grammar.ordered) ended = operands.length;
    } else if (!text.startsWith("-") || text === "-") {
      operands.push(item);
      if (grammar.ordered) ended = operands.length;
    } else if (grammar.words) {
      const equals = text.indexOf("=");
      const name = equals < 0 ? text : text.slice(0, equals);
      const spec = grammar.exact.get(text) ?? grammar.exact.get(name) ?? grammar.exact.get(name.replace(/^--/, "-"));
      if (spec === undefined) unknownOption(name);
      else take(spec, equals < 0 || grammar.exact.has(text) ? undefined : rest(item, equals + 1));
    } else if (text.startsWith("--")) {
      const equals = text.indexOf("=");
      const name = equals < 0 ? text : text.slice(0, equals);
      const spec = grammar.exact.get(name) ?? abbreviated(name, grammar);
      if (spec === undefined || (equals >= 0 && spec.value === "none")) unknownOption(name);
      if (spec !== undefined) take(spec, equals < 0 ? undefined : rest(item, equals + 1));
    } else if (grammar.number !== undefined && /^-\d+$/.test(text)) {
      options.push({ spec: grammar.number, value: undefined });
    } else {
      cluster(item);
    }
  }

  function cluster(item: Field): void {
    for (let index = 1; index < item.text.length; index += 1) {
      const name = `-${item.text[index]}`;
      const spec = grammar.exact.get(name);
      if (spec === undefined) {
        unknownOption(name === `-${mark.hole}` ? "that is not known before it runs" : name);
        return;
      }
      const attached = index + 1 < item.text.length ? rest(item, index + 1) : undefined;
      if (spec.value !== "none") {
        take(spec, attached);
        return;
      }
      take(spec, undefined);
    }
  }

  return { options, operands, problem, loose, ended };
}

/** Whether only running the script tells if `item` is an option: it begins with unknown text, or with a pattern that a file's name could match. */
function mayBeOption(item: Field): boolean {
  const [first = ""] = item.text;
  if (first === mark.hole || first === mark.unset) return true;
  return item.glob && /[*?[]/.test(first);
}

function abbreviated(name: string, grammar: Grammar): OptionSpec | undefined {
  const found = new Set<OptionSpec>();
  for (const long of grammar.long) {
    const spec = grammar.exact.get(long);
    if (spec !== undefined && long.startsWith(name)) found.add(spec);
  }
  const [only] = found;
  return found.size === 1 ? only : undefined;
}

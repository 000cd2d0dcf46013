// What small programs write to their output, where their input is known: enough to see through `echo`, `printf` and the usual decoders.
import { joined, known, mark, unknown } from "./text.ts";
import type { Field, Text } from "./text.ts";
import { directoriesOf } from "./under.ts";

/** echo(1) as bash has it. */
export function echoText(args: readonly Field[]): Text {
  let at = 0;
  let escapes = false;
  let newline = true;
  for (; /^-[neE]+$/.test(args[at]?.text ?? ""); at += 1) {
    const flags = args[at]?.text ?? "";
    if (flags.includes("n")) newline = false;
    escapes = flags.lastIndexOf("e") > flags.lastIndexOf("E");
  }
  const words = args.slice(at);
  const [only] = words;
  // `echo *.ts` and `echo $files` pass on what they were given, and so where that lies.
  if (only !== undefined && words.some((word) => word.glob || word.under !== null)) {
    const under = directoriesOf(words);
    if (under !== null) return unknown(joined(words).sources, under);
  }
  const text = joined(words.map(asText), " ");
  const shown = escapes ? unescape(text.text, true) : text.text;
  return { ...text, text: newline ? `${shown}\n` : shown, under: null };
}

/** printf(1): the format is used again until all arguments are. */
export function formatText(args: readonly Field[]): Text {
  const [format, ...values] = args.map(asText);
  if (format === undefined) return known("");
  if (/^(?:%s|\\n|\\0|\s)+$/.test(format.text) && args.slice(1).some((item) => item.glob || item.under !== null)) {
    const under = directoriesOf(args.slice(1));
    if (under !== null) return unknown(joined(args).sources, under);
  }
  const sources = joined(args).sources;
  let output = "";
  let at = 0;
  do {
    const before = at;
    output += unescape(format.text, false).replace(
      /%(?:%|[-+ #0]*(\*|\d*)(?:\.(?:\*|\d*))?([A-Za-z]))/g,
      (directive, width: string | undefined, kind: string | undefined) => {
        if (kind === undefined) return "%";
        const value = values[at]?.text ?? "";
        at += 1;
        // A width only adds blanks, save where it comes from an argument or is large.
        if (width === "*" || Number(width ?? 0) > 256 || /\.\d|\*/.test(directive)) return mark.hole;
        switch (kind) {
          case "s":
            return value;
          case "b":
            return unescape(value, true);
          case "c":
            return value.slice(0, 1);
          case "d":
          case "i":
          case "u":
            return /^-?\d+$/.test(value) && /^%[diu]$/.test(directive) ? String(Number(value)) : mark.number;
          default:
            return mark.hole;
        }
      },
    );
    if (at === before || output.length > 16_384) break;
  } while (at < values.length);
  return { ...known(output), sources };
}

function asText(item: Field): Text {
  return item.glob ? unknown(item.sources, item.under) : item;
}

/** Backslash escapes of `echo -e`, `printf` and `%b`. In a format `\0` needs no zero before octal digits. */
function unescape(text: string, zero: boolean): string {
  if (!text.includes("\\")) return text;
  const octal = zero ? "0[0-7]{0,3}" : "[0-7]{1,3}";
  return text.replace(
    new RegExp(`\\\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(${octal}|[0-7]{1,3})|([\\s\\S]))`, "g"),
    (all, hex, short, long, digits, single) => {
      const code = hex ?? short ?? long;
      if (code !== undefined) return character(Number.parseInt(code as string, 16));
      if (digits !== undefined) return character(Number.parseInt(digits as string, 8) & 0xff);
      const plain = escapes[single as string];
      return plain ?? all;
    },
  );
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  e: "\u001B",
  E: "\u001B",
  f: "\f",
  v: "\v",
  "\\": "\\",
  '"': '"',
  c: "",
};

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : mark.hole;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64 (RFC 4648 §4) to text; undefined where it is none. */
export function fromBase64(text: string): string | undefined {
  const digits = text.replace(/\s+/g, "").replace(/=+$/, "");
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const digit of digits) {
    const value = alphabet.indexOf(digit);
    if (value < 0) return undefined;
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >> held) & 0xff);
      bits &= (1 << held) - 1;
    }
  }
  return fromBytes(bytes);
}

/** Hexadecimal digits to text. */
export function fromHex(text: string): string | undefined {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  return fromBytes((digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

function fromBytes(bytes: readonly number[]): string | undefined {
  try {
    return decodeURIComponent(bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
  } catch {
    return undefined;
  }
}

/** tr(1) with two plain sets; undefined where a set is more than characters and ranges. */
export function translate(text: string, from: string, to: string): string | undefined {
  const source = expandSet(from);
  const target = expandSet(to);
  if (source === undefined || target === undefined || target.length === 0) return undefined;
  return Array.from(text)
    .map((one) => (source.includes(one) ? (target[Math.min(source.lastIndexOf(one), target.length - 1)] ?? one) : one))
    .join("");
}

/** The characters of a set of tr(1). */
export function expandSet(set: string): readonly string[] | undefined {
  if (/\[[:=.]|\[.\*/.test(set)) return undefined;
  const characters = Array.from(unescape(set, false));
  const expanded: string[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const first = characters[at] ?? "";
    const last = characters[at + 2];
    if (characters[at + 1] !== "-" || last === undefined) {
      expanded.push(first);
      continue;
    }
    const [low, high] = [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
    if (high < low || high - low > 256) return undefined;
    for (let code = low; code <= high; code += 1) expanded.push(String.fromCodePoint(code));
    at += 2;
  }
  return expanded;
}

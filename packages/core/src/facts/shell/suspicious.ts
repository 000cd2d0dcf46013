/** Kinds of characters that make a command read otherwise than it runs, by name. */
const kinds: readonly (readonly [string, RegExp])[] = [
  ["nul", /\0/],
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  ["control", /[\u0001-\u0008\u000B-\u001F\u007F-\u009F]/],
  ["bidi", /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/],
  [
    "invisible",
    // oxlint-disable-next-line no-misleading-character-class -- each is looked for by itself
    /[\u00AD\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200D\u2028\u2029\u2060-\u2065\u206A-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFC\u{E0000}-\u{E0FFF}]/u,
  ],
  ["private_use", /[\uE000-\uF8FF\u{F0000}-\u{10FFFF}]/u],
  ["lone_surrogate", /\p{Surrogate}/u],
  // Blanks that the shell does not take for blanks.
  ["unusual_blank", /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/],
];

/** What in the text of a command is likely to deceive a person who reads it. */
export function suspiciousText(text: string): readonly string[] {
  if (/^[\t\n\x20-\x7E]*$/.test(text)) return [];
  return kinds.filter(([, pattern]) => pattern.test(text)).map(([kind]) => kind);
}

/** Whether a program's name mixes in letters that look like others: no program that is known has any but ASCII in its name. */
export function isConfusable(name: string): boolean {
  return /[^\x20-\x7E]/.test(name);
}

/** Finds a pattern in a text, in time linear in the text. */
export type Matcher = (text: string) => boolean;

export type CompileRegex = (pattern: string) => Matcher | { readonly problem: string };

const patternLength = 2048;

/** The compiler of `matches` and `*_regex`: RE2 syntax, which has no way to be slow. */
export async function loadRegex(): Promise<CompileRegex> {
  const { RE2JS } = await import("re2js");
  return (pattern) => {
    if (pattern === "") return { problem: "an empty regex matches everything" };
    if (pattern.length > patternLength) return { problem: `a regex has at most ${patternLength} characters` };
    // No metacharacter: a plain search says the same, sooner.
    if (/^[^\\^$.*+?()[\]{}|]+$/.test(pattern)) return (text) => text.includes(pattern);
    const backtracking = needsBacktracking(pattern);
    if (backtracking !== undefined) return { problem: backtracking };
    try {
      const regex = RE2JS.compile(pattern);
      return (text) => regex.test(text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { problem: `the regex cannot be read: ${message.replace(/^error parsing regexp: /, "")}` };
    }
  };
}

/** What in `pattern` only a backtracking engine can do, and what to write instead. */
function needsBacktracking(pattern: string): string | undefined {
  // Escaped characters and the insides of classes are not syntax.
  const syntax = pattern.replaceAll(/\\[^\dk]|\[\^?\]?(?:\\[^]|[^\]\\])*\]/g, "_");
  if (/\(\?<?[=!]/.test(syntax)) return "a regex cannot look ahead or behind; say the parts as conditions under `when_all` and `when_not`";
  if (/\\[1-9k]/.test(syntax)) return "a regex cannot refer back to a group; compare the fields in a condition";
  if (/\(\?>|[*+?}]\+/.test(syntax)) return "a regex has no atomic groups or possessive repeats; it runs in linear time without them";
  return undefined;
}

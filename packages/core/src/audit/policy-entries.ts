import type { PolicyLoadedEntry } from "./entry.ts";

/** As long as a part may be so that it fits on a line, even where each character is escaped to six. */
const partLength = 10_000;

/** The entries that put the text of one policy source on record, a part each; one for most sources. */
export function policyEntries(policyDigest: string, name: string, text: string): readonly PolicyLoadedEntry[] {
  const texts: string[] = [];
  for (let from = 0; from < text.length || from === 0;) {
    let to = Math.min(text.length, from + partLength);
    // A surrogate pair stays together: half of one is not JSON that everybody reads.
    const last = text.charCodeAt(to - 1);
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to -= 1;
    texts.push(text.slice(from, to));
    if (to === from) break;
    from = to;
  }
  return texts.map((part, index) => ({
    type: "policy.loaded",
    policy_digest: policyDigest,
    name,
    part: index + 1,
    parts: texts.length,
    text: part,
  }));
}

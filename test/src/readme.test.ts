import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = globSync(["*.md", "docs/**/*.md", "packages/*/*.md", "examples/*.md", "examples/*/*.md", "policies/**/*.md"], {
  cwd: root,
}).toSorted();

interface Block {
  readonly language: string;
  readonly text: string;
  /** The file that the line above the block names. */
  readonly file: string | undefined;
}

function blocks(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/(?:^<!-- file: (?<file>\S+) -->\n+)?^```(?<language>\w*)\n(?<text>[^]*?)^```$/gm)].map(({ groups }) => ({
    language: groups?.["language"] ?? "",
    text: groups?.["text"] ?? "",
    file: groups?.["file"],
  }));
}

describe.each(pages)("%s", (page) => {
  it("shows TypeScript and policies only as they stand in a file that is compiled or loaded", () => {
    for (const { language, text, file } of blocks(page)) {
      if (language !== "ts" && language !== "yaml") continue;
      expect(file === undefined ? `no file is named for ${text}` : readFileSync(join(root, file), "utf8")).toBe(text);
    }
  });

  it("links only to pages that are there", () => {
    const text = readFileSync(join(root, page), "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)(?<target>[^)#]+)/g)].map(({ groups }) => groups?.["target"] ?? "");
    for (const target of targets) expect([target, existsSync(join(root, page, "..", target))]).toEqual([target, true]);
  });
});

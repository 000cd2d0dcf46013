// `npm run docs`: the Markdown of this repository as pages of HTML, in the folder that is named, with no network and nothing to run in a browser. A link
// that leads nowhere, to a page or to a place in one, is an error.
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Marked } from "marked";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = [
  "*.md",
  "docs/**/*.md",
  "packages/*/README.md",
  "packages/core/vectors/README.md",
  "examples/**/README.md",
  "policies/**/*.md",
];

interface Page {
  readonly source: string;
  readonly title: string;
  readonly html: string;
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly string[];
}

/** Writes the pages into `folder` and answers with the links that lead nowhere, as `page: link`. */
export function buildDocs(folder: string): readonly string[] {
  const names = globSync(sources, { cwd: root, exclude: (name) => name.includes("node_modules") }).map((name) =>
    name.replaceAll("\\", "/"),
  );
  const pages = new Map(names.toSorted().map((source) => [source, readPage(source)]));
  for (const page of pages.values()) {
    const file = join(folder, target(page.source));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, layout(page, [...pages.values()]));
  }
  return [...pages.values()].flatMap((page) =>
    page.links.filter((link) => !leadsSomewhere(link, page, pages)).map((link) => `${page.source}: ${link}`),
  );
}

function readPage(source: string): Page {
  const anchors = new Set<string>();
  const links: string[] = [];
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        const id = anchorOf(text, anchors);
        anchors.add(id);
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        if (!isElsewhere(href)) links.push(href);
        return `<a href="${escape(isElsewhere(href) ? href : shownLink(href, source))}">${this.parser.parseInline(tokens)}</a>`;
      },
      // Only comments stand in our Markdown as HTML.
      html: () => "",
    },
  });
  const text = readFileSync(join(root, source), "utf8");
  const html = marked.parse(text, { async: false });
  return { source, title: /^# (.*)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? source, html, anchors, links };
}

/** The id of a heading, as the places that show Markdown make it. */
function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
  for (let count = 0; ; count += 1) {
    const id = count === 0 ? plain : `${plain}-${count}`;
    if (!taken.has(id)) return id;
  }
}

function leadsSomewhere(link: string, page: Page, pages: ReadonlyMap<string, Page>): boolean {
  const [path = "", anchor] = link.split("#");
  const source = path === "" ? page.source : posix.normalize(posix.join(posix.dirname(page.source), path));
  const found = pages.get(source);
  if (found !== undefined) return anchor === undefined || found.anchors.has(anchor);
  return anchor === undefined && globSync(source, { cwd: root }).length > 0;
}

function isElsewhere(href: string): boolean {
  return /^[a-z]+:/i.test(href);
}

/** A page of ours as its HTML; anything else as it stands in the repository. */
function shownLink(href: string, source: string): string {
  const [path = "", anchor] = href.split("#");
  const after = anchor === undefined ? "" : `#${anchor}`;
  if (path === "" || path.endsWith(".md")) return `${target(path)}${after}`;
  return posix.relative(posix.dirname(target(source)), posix.join(posix.dirname(source), path));
}

function target(source: string): string {
  return source.replace(/(^|\/)README\.md$/, "$1index.md").replace(/\.md$/, ".html");
}

function layout(page: Page, pages: readonly Page[]): string {
  const link = ({ source, title }: Page): string => {
    const href = posix.relative(posix.dirname(target(page.source)), target(source));
    const current = source === page.source ? ' aria-current="page"' : "";
    return `<li><a href="${escape(href)}"${current}>${escape(title)}</a></li>`;
  };
  const group = (name: string, belongs: (source: string) => boolean): string =>
    `<h2>${name}</h2><ul>${pages
      .filter(({ source }) => belongs(source))
      .map(link)
      .join("")}</ul>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(page.title)}</title>
<style>${style}</style>
<nav>
${group("Canopy", (source) => !source.includes("/"))}
${group("Guides", (source) => source.startsWith("docs/") && !source.startsWith("docs/decisions/"))}
${group("Packages", (source) => source.startsWith("packages/"))}
${group("Policies and examples", (source) => source.startsWith("policies/") || source.startsWith("examples/"))}
${group("Decisions", (source) => source.startsWith("docs/decisions/"))}
</nav>
<main>
${page.html}</main>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { display: flex; gap: 2rem; max-width: 78rem; margin: 0 auto; padding: 1rem; }
nav { flex: 0 0 15rem; font-size: .875rem; } nav h2 { font-size: .8rem; text-transform: uppercase; } nav ul { list-style: none; padding: 0; }
main { min-width: 0; flex: 1; } pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .3rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; } td, th { border: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top; }
[aria-current] { font-weight: bold; } @media (max-width: 50rem) { body { flex-direction: column; } }`;

if (import.meta.main) {
  const folder = process.argv[2] ?? "site";
  const broken = buildDocs(resolve(root, folder));
  for (const each of broken) console.error(`leads nowhere: ${each}`);
  console.log(`written: ${folder}/`);
  if (broken.length > 0) process.exitCode = 1;
}

import { readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

const here = new URL("./", import.meta.url);
const files = readdirSync(here, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts") && !name.includes(".test."));
const sources = new Map(files.map((name) => [name, readFileSync(new URL(name, here), "utf8")] as const));

test.for([
  ["yaml", "document.ts"],
  ["@marcbachmann/cel-js", "condition/parse.ts"],
  ["re2js", "condition/regex.ts"],
])("%s is known to one file, which imports it when a policy is loaded", ([library, file]) => {
  const users = [...sources].filter(([, source]) => source.includes(`from "${library}"`) || source.includes(`import("${library}")`));
  expect(users.map(([name]) => name)).toEqual([file]);
  const eager = [...(sources.get(file ?? "") ?? "").matchAll(/^import (?!type).*from "(.*)";$/gm)].map(([, from]) => from);
  expect(eager.filter((from) => from?.startsWith(".") !== true)).toEqual([]);
});

test("the engine runs wherever JavaScript runs: no file of it imports a built-in of Node", () => {
  expect(files.length).toBeGreaterThan(40);
  for (const [name, source] of sources) expect([name, /from "node:|require\(|\bprocess\.|\bBuffer\b/.test(source)]).toEqual([name, false]);
});

test("importing the engine brings neither the loader nor the facts along", () => {
  const reached = new Set<string>();
  const walk = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    const source = sources.get(name) ?? "";
    for (const [, from = ""] of source.matchAll(/^(?:import|export) (?!type)[^;]*? from "(\.[^"]*)";$/gm)) {
      walk(new URL(from, new URL(name, "file:///policy/")).pathname.replace("/policy/", ""));
    }
  };
  walk("index.ts");
  expect([...reached].filter((name) => /assemble|document|check|compile|parse|regex|facts\/index/.test(name))).toEqual([]);
  expect(reached.has("evaluate.ts")).toBe(true);
  expect(reached.has("rule-index.ts")).toBe(true);
});

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

test("the client runs wherever JavaScript runs: nothing that it reaches imports a built-in of Node or a package", () => {
  const reached = new Map<string, string>();
  const walk = (url: URL): void => {
    if (reached.has(url.href)) return;
    const source = readFileSync(url, "utf8");
    reached.set(url.href, source);
    for (const [, from = ""] of source.matchAll(/^(?:import|export) (?!type)(?:[^;]*? from )?"([^"]*)";$/gm)) {
      expect([url.pathname.split("/").at(-1), from, from.startsWith("./") || from.startsWith("../")]).toEqual([
        expect.anything(),
        from,
        true,
      ]);
      walk(new URL(from, url));
    }
  };
  walk(new URL("index.ts", import.meta.url));
  expect(reached.size).toBeGreaterThan(4);
  expect(reached.size).toBeLessThan(12);
  for (const [name, source] of reached) expect([name, /\bprocess\.|\bBuffer\b|require\(/.test(source)]).toEqual([name, false]);
});

import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const workflows = readdirSync(new URL(".github/workflows/", root)).map(
  (name) => [name, readFileSync(new URL(`.github/workflows/${name}`, root), "utf8")] as const,
);

interface Manifest {
  readonly private?: boolean;
  readonly publishConfig?: object;
}

it("every action that CI uses is named by its commit, because a tag can be moved", () => {
  const used = workflows.flatMap(([name, text]) =>
    [...text.matchAll(/uses: *(?<action>.*)/g)].map(({ groups }) => [name, groups?.["action"]]),
  );
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter(([, action]) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action ?? ""))).toEqual([]);
});

it("the job that may publish runs no tests: they bring along the tools of development", () => {
  const text = workflows.find(([name]) => name === "release.yml")?.[1] ?? "";
  const [, privileged = ""] = text.split(/^ {2}release:$/m);
  expect(privileged).toContain("id-token: write");
  expect(privileged).not.toMatch(/npm (?:run )?(?:test|check|start)/);
  expect(text.slice(0, text.length - privileged.length)).not.toMatch(/: write|secrets\./);
});

it("every package is published with npm's provenance by what its manifest says: settings in the environment do not reach the npm that publishes", () => {
  const folders = readdirSync(new URL("packages/", root));
  const manifests = folders.map((name) => JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, root), "utf8")) as Manifest);
  const published = manifests.filter((manifest) => manifest.private !== true);
  expect(published.length).toBeGreaterThan(5);
  expect(published.map(({ publishConfig }) => publishConfig)).toEqual(published.map(() => ({ access: "public", provenance: true })));
});

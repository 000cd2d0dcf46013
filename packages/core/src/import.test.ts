import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

/** The modules that importing the package loads, without what Node brings. */
function loadedBy(entry: string): readonly string[] {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${JSON.stringify(new URL(entry, import.meta.url).href)});
    console.log(loaded.filter((url) => url.startsWith("file:")).join("\\n"));`;
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@canopy-runtime/source", "--input-type=module", "-e", script],
    {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      encoding: "utf8",
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.trim().split("\n");
}

test("importing core loads no parser, no analyser, no key and no proof: they come when they are first needed", () => {
  const loaded = loadedBy("./index.ts");
  expect(loaded.filter((url) => /node_modules\/(?!.*canonicalize)/.test(url))).toEqual([]);
  expect(
    loaded.filter((url) => /\/facts\/(?!unknown|effects)|\/audit\/(?:tree|verify|prove|repair|read|anchors|checkpointer)/.test(url)),
  ).toEqual([]);
  expect(loaded.length).toBeGreaterThan(30);
});

test("importing core loads neither SQLite nor what decides about approvals: they come with the first action that a person is asked about", () => {
  expect(loadedBy("./index.ts").filter((url) => /\/approval\/(?!index|options|store-path|digest)/.test(url))).toEqual([]);
  const script = `
    await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    console.log(process.moduleLoadList.filter((name) => /sqlite/.test(name)).join());`;
  const { stdout } = spawnSync(process.execPath, ["--conditions=@canopy-runtime/source", "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect(stdout.trim()).toBe("");
});

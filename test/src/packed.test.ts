import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The oldest Node that users may have, where npm has it for this machine, and the one that runs this. */
const oldest = join(root, "test", "node_modules", "node-22-linux-x64", "bin", "node");
const nodes = [process.execPath, ...(existsSync(oldest) ? [oldest] : [])];

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

let app = "";

/** Unpacks what would be published, with only what it declares as dependencies beside it: what `npm install` of the tarball leaves. */
async function install(packages: readonly string[]): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy packed ")));
  for (const name of packages) {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", folder], { cwd: join(root, "packages", name) });
    const { filename } = JSON.parse(stdout) as { filename: string };
    const target = join(folder, "node_modules", "@canopy-runtime", name);
    await mkdir(target, { recursive: true });
    await run("tar", ["-xzf", filename, "-C", target, "--strip-components=1"]);
    await copyDependencies(join(root, "packages", name), folder);
  }
  await writeFile(join(folder, "package.json"), '{"name":"app","version":"1.0.0","private":true}');
  return folder;
}

async function copyDependencies(from: string, folder: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(from, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (name.startsWith("@canopy-runtime/")) continue;
    const target = join(folder, "node_modules", name);
    if (existsSync(target)) continue;
    const source = await realpath(join(from, "node_modules", name));
    await mkdir(dirname(target), { recursive: true });
    await cp(source, target, { recursive: true, filter: (path) => !path.slice(source.length).includes("node_modules") });
    await copyDependencies(source, folder);
  }
}

beforeAll(async () => {
  app = await install(["core", "openai"]);
});

afterAll(async () => {
  await rm(app, { recursive: true, force: true });
});

describe.each(nodes)("the packed core under %s", (node) => {
  let log = "";

  beforeEach(() => {
    log = join(app, `${randomUUID()}.log`);
  });

  const use = `
    const { decision } = await authorizeAction({ env: "production" }, "execute_shell", { command: "rm -rf /tmp/logs" });
    const verdict = await verifyAuditLog(process.env.CANOPY_AUDIT_LOG_PATH);
    console.log(decision, verdict.kind);`;

  it("imports from an ES module and works, with no other package of ours", async () => {
    await writeFile(join(app, "app.mjs"), `import { authorizeAction, verifyAuditLog } from "@canopy-runtime/core";${use}`);
    const { stdout } = await run(node, ["app.mjs"], { cwd: app, env: { ...process.env, CANOPY_AUDIT_LOG_PATH: log } });
    expect(stdout.trim()).toBe("DENY valid");
  });

  it("can be required from CommonJS and works", async () => {
    await writeFile(
      join(app, "app.cjs"),
      `const { authorizeAction, verifyAuditLog } = require("@canopy-runtime/core");(async () => {${use}})();`,
    );
    const { stdout, stderr } = await run(node, ["app.cjs"], { cwd: app, env: { ...process.env, CANOPY_AUDIT_LOG_PATH: log } });
    expect(stdout.trim()).toBe("DENY valid");
    expect(stderr).not.toMatch(/ERR_REQUIRE/);
  });

  it("comes with guarded tools for the OpenAI SDK, which need no SDK to be there at run time", async () => {
    await writeFile(
      join(app, "openai.mjs"),
      `import { guardTools } from "@canopy-runtime/openai";
       const bash = { type: "function", function: { name: "execute_shell", parameters: {}, function: () => "ran" } };
       const [guarded] = guardTools([bash], { agentCtx: { env: "production" } });
       console.log(await guarded.function.function('{"command":"rm -rf /"}'));`,
    );
    const { stdout } = await run(node, ["openai.mjs"], { cwd: app, env: { ...process.env, CANOPY_AUDIT_LOG_PATH: log } });
    expect(stdout).toContain("denied, the tool did not run");
  });

  it("offers the pure policy engine by itself", async () => {
    await writeFile(
      join(app, "pure.mjs"),
      `import { evaluate, loadPolicy } from "@canopy-runtime/core/policy"; console.log(typeof evaluate, typeof loadPolicy);`,
    );
    const { stdout } = await run(node, ["pure.mjs"], { cwd: app });
    expect(stdout.trim()).toBe("function function");
  });
});

it("packs built code with its types and sources, and neither tests nor build state", async () => {
  const files = await readdir(join(app, "node_modules", "@canopy-runtime", "core"), { recursive: true });
  expect(files).toContain(join("dist", "index.js"));
  expect(files).toContain(join("dist", "index.d.ts"));
  expect(files).toContain(join("src", "index.ts"));
  expect(files.filter((file) => /\.test\.|tsbuildinfo|vectors/.test(file))).toEqual([]);
});

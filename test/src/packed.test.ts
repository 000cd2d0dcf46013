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

/**
 * Unpacks what would be published, with only what it declares as dependencies beside it, and the peers that are named: what `npm install` of
 * the tarballs and the peers leaves.
 */
async function install(packages: readonly string[], peers: readonly string[]): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "canopy packed ")));
  for (const name of packages) {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", folder], { cwd: join(root, "packages", name) });
    const { filename } = JSON.parse(stdout) as { filename: string };
    const target = join(folder, "node_modules", "@canopy-runtime", name);
    await mkdir(target, { recursive: true });
    await run("tar", ["-xzf", filename, "-C", target, "--strip-components=1"]);
    await copyDependencies(join(root, "packages", name), folder);
  }
  for (const peer of peers) await copyPackage(peer, join(root, "test"), folder);
  await writeFile(join(folder, "package.json"), '{"name":"app","version":"1.0.0","private":true}');
  return folder;
}

async function copyDependencies(from: string, folder: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(from, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (!name.startsWith("@canopy-runtime/")) await copyPackage(name, from, folder);
  }
}

async function copyPackage(name: string, from: string, folder: string): Promise<void> {
  const target = join(folder, "node_modules", name);
  if (existsSync(target)) return;
  // Packages of the store have their dependencies beside them.
  const places = [join(from, "node_modules", name), join(from.slice(0, from.lastIndexOf("node_modules")), "node_modules", name)];
  const source = await realpath(places.find((place) => existsSync(place)) ?? join(from, "node_modules", name));
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { recursive: true, filter: (path) => !path.slice(source.length).includes("node_modules") });
  await copyDependencies(source, folder);
}

beforeAll(async () => {
  app = await install(["core", "ai-sdk", "langchain", "openai"], ["@langchain/core", "zod"]);
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

  it("comes with guarded tools for the Vercel AI SDK, which need no SDK to be there at run time", async () => {
    await writeFile(
      join(app, "ai-sdk.mjs"),
      `import { guardTools } from "@canopy-runtime/ai-sdk";
       const tools = { execute_shell: { inputSchema: {}, execute: () => "ran" } };
       const { execute_shell } = guardTools(tools, { agentCtx: { env: "production" } });
       await execute_shell.execute({ command: "rm -rf /" }, {}).catch((error) => console.log(error.message));`,
    );
    const { stdout } = await run(node, ["ai-sdk.mjs"], { cwd: app, env: { ...process.env, CANOPY_AUDIT_LOG_PATH: log } });
    expect(stdout).toContain("denied, the tool did not run");
  });

  it("comes with guarded tools for LangChain, which need its core alone", async () => {
    await writeFile(
      join(app, "langchain.mjs"),
      `import { guardTools } from "@canopy-runtime/langchain";
       import { tool } from "@langchain/core/tools";
       import { z } from "zod";
       const bash = tool(() => "ran", { name: "execute_shell", schema: z.object({ command: z.string() }) });
       const [guarded] = guardTools([bash], { agentCtx: { env: "production" } });
       const call = { id: "1", type: "tool_call", name: "execute_shell", args: { command: "rm -rf /" } };
       console.log((await guarded.invoke(call)).content);`,
    );
    const { stdout } = await run(node, ["langchain.mjs"], { cwd: app, env: { ...process.env, CANOPY_AUDIT_LOG_PATH: log } });
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

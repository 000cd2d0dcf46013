import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync, globSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = globSync(["*.md", "docs/*.md", "packages/*/README.md", "policies/*.md", "examples/*/README.md"], { cwd: root })
  .map((page) => page.replaceAll("\\", "/"))
  .filter((page) => blocksOf(page).length > 0)
  .toSorted();

interface Block {
  readonly language: "sh" | "python";
  readonly text: string;
}

/** What a page tells its readers to run. */
function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; lines: string[] } | undefined;
  for (const line of readFileSync(join(root, page), "utf8").split("\n")) {
    const [, language] = /^```(\w*)/.exec(line) ?? [];
    if (language === undefined) open?.lines.push(line);
    else if (open === undefined) open = { language, lines: [] };
    else {
      if (open.language === "sh" || open.language === "python") blocks.push({ language: open.language, text: open.lines.join("\n") });
      open = undefined;
    }
  }
  return blocks;
}

/** The commands of a block, one after the other; a block with a loop is one command. */
function commandsOf({ language, text }: Block): readonly string[] {
  if (language === "python" || /^(while|for|if)\b/m.test(text)) return [text];
  return text
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/\s{2,}#.*$/, "").trim())
    .filter((line) => line !== "");
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** Runs `command` with bash, and ends it after a while where it goes on until it is stopped. */
async function run(command: string, folder: string, more: NodeJS.ProcessEnv = {}, forMs = 60_000): Promise<Ended> {
  const child = spawn("bash", ["-c", command], {
    cwd: folder,
    env: environment(folder, more),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let out = "";
  child.stdout.on("data", (text: Buffer) => (out += text.toString()));
  child.stderr.on("data", (text: Buffer) => (out += text.toString()));
  // Most commands read nothing, and may have ended by then.
  child.stdin.on("error", () => undefined).end("approve\n");
  // The whole group; without a process there is none, and 0 would be our own.
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGTERM"), forMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, out };
}

function environment(folder: string, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { CANOPY_AUDIT_LOG_PATH: _log, CANOPY_POLICY_FILE: _policy, CANOPY_AUDIT_KEY_PATH: _key, ...rest } = process.env;
  const path = [join(folder, ".bin"), dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return { ...rest, PATH: path, NO_COLOR: "1", ...more };
}

/** Stands for npm: nothing is installed and no long run is begun, but what is named must be there. */
const npm = `
const { readFileSync } = require("node:fs");
const root = ${JSON.stringify(root)};
const [verb, ...words] = process.argv.slice(2);
const scripts = JSON.parse(readFileSync(root + "package.json", "utf8")).scripts;
const lock = readFileSync(root + "pnpm-lock.yaml", "utf8");
const known = (name) => lock.includes("\\n  packages/" + name.replace("@canopy-runtime/", "") + ":") || lock.includes("'" + name + "@") || lock.includes("\\n  " + name + "@");
const missing = verb === "install" ? words.filter((name) => !known(name)) : [verb === "run" ? words[0] : verb].filter((name) => scripts[name] === undefined);
if (missing.length > 0) { console.error("npm: there is no " + missing.join(", ")); process.exit(127); }`;

/** What the pages speak of: a log with decisions of every kind, policies, and the command by each of its names. */
const setting = `
import { copyFileSync, writeFileSync } from "node:fs";
import { openCanopy } from "@canopy-runtime/core";
const agentCtx = { agent_id: "ci", env: "production", cwd: "/srv", safe_paths: ["/srv/work"] };
for (const [audit, mode] of [["audit.log", "enforce"], ["observed.log", "observe"]]) {
  const canopy = await openCanopy({ audit, mode });
  for (const command of ["ls", "rm -rf /tmp/logs", "curl https://example.com", "curl https://example.org"]) {
    const { authorizationId, traceId } = await canopy.authorizeAction(agentCtx, "execute_shell", { command });
    if (command === "ls") await canopy.recordOutcome({ authorizationId, traceId, status: "success", outputHash: null, durationMs: 1 });
  }
  await canopy.close();
}
copyFileSync("audit.log", "production.log");
for (const name of ["policy.yaml", "next.yaml"]) writeFileSync(name, "version: 1\\nextends: [canopy:default]\\n");
writeFileSync("requests.jsonl", JSON.stringify({ action_type: "execute_shell", action_payload: { command: "ls" } }) + "\\n");
writeFileSync("agent.js", 'require("@canopy-runtime/core").authorizeAction({ env: "dev" }, "execute_shell", { command: "ls" });');`;

let template = "";

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), "canopy-commands-"));
  const bin = join(template, ".bin");
  await mkdir(bin);
  const cli = join(root, "packages/cli/bin/canopy.js");
  await writeFile(join(bin, "canopy"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
  await writeFile(join(bin, "npx"), `#!/bin/sh\ncase $1 in canopy | @canopy-runtime/cli) shift; exec canopy "$@" ;; *) exit 127 ;; esac\n`);
  await writeFile(join(bin, "npm.cjs"), npm);
  await writeFile(join(bin, "npm"), `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/npm.cjs" "$@"\n`);
  for (const name of ["canopy", "npx", "npm"]) await chmod(join(bin, name), 0o755);
  await mkdir(join(template, "node_modules/@canopy-runtime"), { recursive: true });
  await symlink(join(root, "packages/core"), join(template, "node_modules/@canopy-runtime/core"));
  await cp(join(root, "policies"), join(template, "policies"), { recursive: true });
  await writeFile(join(template, "setting.mjs"), setting);
  const set = await run("node setting.mjs", template);
  if (set.code !== 0) throw new Error(set.out);
});

afterAll(async () => {
  await rm(template, { recursive: true, force: true });
});

/** Usage errors, internal errors and commands that are not there; a denial or a finding is an answer. */
const failures: readonly (number | null)[] = [2, 70, 126, 127];
/** What not every machine has; what is shown for it is then not run. */
const hasPython = isThere("python3");
const hasCurl = isThere("curl");

it.concurrent.each(pages)("every command that %s shows runs", async (page) => {
  expect(await failuresOf(page)).toEqual([]);
});

interface Failure extends Ended {
  readonly command: string;
}

/** Follows a page in a folder of its own, and answers with what did not run. */
async function failuresOf(page: string): Promise<readonly Failure[]> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-page-"));
  const failed: Failure[] = [];
  const servers: ChildProcess[] = [];
  try {
    await cp(template, folder, { recursive: true, verbatimSymlinks: true });
    const reader = await readerOf(page, folder);
    for (const block of blocksOf(page)) {
      for (const shown of commandsOf(block)) {
        const command = reader.mean(shown);
        const ended = /\bserve\b/.test(command) ? await serve(command, reader, servers) : await follow(block, command, reader);
        if (ended !== undefined) failed.push({ command, ...ended });
      }
    }
    return failed;
  } finally {
    for (const server of servers) server.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whoever follows a page: what they put in the place of its examples, and what they remember of what was printed. */
interface Reader {
  readonly folder: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  readonly mean: (shown: string) => string;
}

async function readerOf(page: string, folder: string): Promise<Reader> {
  await mkdir(join(folder, "elsewhere"));
  if (page === "docs/replay.md") await run("canopy init --yes", folder);
  const waiting = (await run("canopy approvals list --json", folder)).out.match(/APR-[0-9a-f]{32}/g) ?? [];
  const [, decision = ""] = /"seq":(\d+)/.exec((await run("canopy audit query --decision DENY --json", folder)).out) ?? [];
  const port = await freePort();
  return {
    folder,
    port,
    env: {},
    mean: (shown) =>
      shown
        .replaceAll("4747", String(port))
        .replaceAll("APR-…", waiting[shown.includes("deny") ? 1 : 0] ?? "")
        // There is no terminal here to be asked at.
        .replace(/(approvals approve \S+| init)$/, "$1 --yes")
        .replaceAll("/etc/canopy/", `${folder}/`)
        .replaceAll("/somewhere/else/", `${folder}/elsewhere/`)
        .replaceAll("--entry 1204", `--entry ${decision}`)
        .replace(/OPENAI_API_KEY=… /, ""),
  };
}

async function follow({ language }: Block, command: string, { folder, env }: Reader): Promise<Ended | undefined> {
  if (language === "python") {
    if (!hasPython) return undefined;
    await writeFile(join(folder, "ask.py"), command);
    const asked = await run("python3 ask.py", folder, env);
    return asked.out.startsWith("DENY It removes") ? undefined : asked;
  }
  // Names an entry that only the reader's own log has.
  if (command.includes("…")) return /^curl .*\/outcome /.test(command) ? undefined : { code: null, out: "nobody can run that" };
  if (command.startsWith("curl ") && !hasCurl) return undefined;
  const ended = await run(command, folder, env, /tail -f|watch/.test(command) ? 3_000 : 60_000);
  [, env["CANOPY_KEY"] = env["CANOPY_KEY"]] = /\b(canopy_[0-9a-f]{16}_[\w-]{43})\b/.exec(ended.out) ?? [];
  [, env["PUBLIC"] = env["PUBLIC"]] = /^(\S+\+[0-9a-f]{8}\+\S+)$/m.exec(ended.out) ?? [];
  return failures.includes(ended.code) ? ended : undefined;
}

/** Starts a gateway, and lets it run while the rest of the page is followed. */
async function serve(command: string, { folder, port, env }: Reader, servers: ChildProcess[]): Promise<Ended | undefined> {
  const own = `exec ${command.replace(/^npx @canopy-runtime\/cli/, "canopy")} --port ${port}`;
  const server = spawn("bash", ["-c", own], { cwd: folder, env: environment(folder, env), stdio: "ignore" });
  servers.push(server);
  while (server.exitCode === null) {
    if (await answers(port)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { code: server.exitCode, out: "the gateway ended" };
}

function isThere(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

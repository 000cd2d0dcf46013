// `node scripts/strangers-path.ts`: what somebody does who comes upon Canopy for the first time, step by step and timed, from a clone of this repository to
// a replay of their own log. Ends with 1 where a step does not do what the pages promise. `--here` leaves out the clone and its demo.
//
// The tools that are guarded are those of the packages' READMEs, copied as they stand; a scripted model stands for the real one.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const isHere = process.argv.includes("--here");
const origin = fileURLToPath(new URL("..", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "canopy-stranger-"));
const clone = isHere ? origin : join(base, "canopy");
const app = join(base, "my-agent");
const begun = performance.now();

interface Ran {
  readonly code: number | null;
  readonly out: string;
}

/** Runs a program in `folder`; what it prints comes back as one text. */
function run(folder: string, command: string, ...args: readonly string[]): Ran {
  const { CANOPY_AUDIT_LOG_PATH: _log, CANOPY_POLICY_FILE: _policy, ...rest } = process.env;
  const env = { ...rest, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return { code: status, out: `${stdout}${stderr}` };
}

const canopy = (...args: readonly string[]): Ran => run(app, process.execPath, join(clone, "packages/cli/bin/canopy.js"), ...args);

function step(what: string, work: () => Ran, holds: (ran: Ran) => boolean): void {
  const start = performance.now();
  const ran = work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
  const isSo = holds(ran);
  console.log(`${isSo ? "ok    " : "NOT SO"} ${seconds} s  ${what}`);
  if (isSo) return;
  console.log(ran.out);
  // What comes after would only fail for the same reason.
  throw new Error(`not so: ${what}`);
}

/** What `npm install` of a package and its framework would leave, from what the clone has installed. */
function install(name: string): void {
  const modules = join(app, "node_modules");
  mkdirSync(join(modules, "@canopy-runtime"), { recursive: true });
  link(join(clone, "packages", name), join(modules, "@canopy-runtime", name));
  const own = join(clone, "packages", name, "node_modules");
  const names = existsSync(own) ? readdirSync(own) : [];
  for (const each of names.flatMap((entry) =>
    entry === "@langchain" ? readdirSync(join(own, entry)).map((one) => `${entry}/${one}`) : entry,
  )) {
    if (!each.startsWith("@canopy-runtime") && !each.startsWith(".")) link(join(own, each), join(modules, each));
  }
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  if (!existsSync(to)) symlinkSync(from, to, "junction");
}

/** The first block of TypeScript of a page. */
function firstBlock(page: string): string {
  return /```ts\n([^]*?)```/.exec(readFileSync(join(clone, page), "utf8"))?.[1] ?? "";
}

/** Copies the first example of a README, gives it a model that asks for `rm -rf /`, and runs it. */
function copyAndRun(name: string, main: string): Ran {
  install("core");
  install(name);
  writeFileSync(join(app, `${name}.ts`), firstBlock(`packages/${name}/README.md`));
  writeFileSync(join(app, `${name}-main.ts`), main);
  return run(app, process.execPath, `${name}-main.ts`);
}

const models: Readonly<Record<string, string>> = {
  "ai-sdk": `import { tidyUp } from "./ai-sdk.ts";
import { MockLanguageModelV4 } from "ai/test";
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const input = JSON.stringify({ cmd: "rm -rf /", why: "space" });
const turns = [
  { content: [{ type: "tool-call", toolCallId: "1", toolName: "bash", input }], finishReason: { unified: "tool-calls" }, usage, warnings: [] },
  { content: [{ type: "text", text: "It was not allowed." }], finishReason: { unified: "stop" }, usage, warnings: [] },
];
console.log(await tidyUp(new MockLanguageModelV4({ doGenerate: async () => turns.shift() as never })));`,
  langchain: `import { tidyUp } from "./langchain.ts";
import { fakeModel } from "@langchain/core/testing";
import { AIMessage } from "@langchain/core/messages";
const model = fakeModel().respondWithTools([{ name: "bash", args: { cmd: "rm -rf /", why: "space" }, id: "1" }]);
console.log(await tidyUp(model.respond(new AIMessage("It was not allowed.")) as never));`,
  openai: `import { tidyUp } from "./openai.ts";
import OpenAI from "openai";
const call = { id: "1", type: "function", function: { name: "bash", arguments: JSON.stringify({ cmd: "rm -rf /", why: "space" }) } };
const turns = [
  { finish_reason: "tool_calls", message: { role: "assistant", content: null, tool_calls: [call] } },
  { finish_reason: "stop", message: { role: "assistant", content: "It was not allowed." } },
];
const answer = () => ({ id: "c", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, ...turns.shift() }] });
const fetch = async () => new Response(JSON.stringify(answer()), { headers: { "content-type": "application/json" } });
console.log(await tidyUp(new OpenAI({ apiKey: "none", fetch })));`,
};

const policy = join(app, "canopy.policy.yaml");

try {
  mkdirSync(app);
  if (!isHere) {
    step(
      "clone the repository",
      () => run(base, "git", "clone", "--quiet", origin, clone),
      ({ code }) => code === 0,
    );
    step(
      "npm start: installs, builds, and shows an agent that is stopped",
      () => run(clone, "npm", "start"),
      ({ code }) => code === 0,
    );
  }
  step(
    "canopy init: a policy and its tests",
    () => canopy("init", "--yes"),
    ({ code }) => code === 0 && existsSync(policy),
  );
  step(
    "canopy test: they pass",
    () => canopy("test"),
    ({ code, out }) => code === 0 && /\b0 failed/.test(out),
  );
  const good = readFileSync(policy, "utf8");
  writeFileSync(policy, good.replace("decision: REQUIRE_APPROVAL", "decision: REQUIRE_APROVAL"));
  step(
    "break it: the error names the place and the word that was meant, and meanwhile everything is denied",
    () => canopy("check", "--policy", policy, "--action", "execute_shell", "--payload", '{"command":"ls"}'),
    ({ code, out }) => code === 4 && /canopy\.policy\.yaml:\d+:\d+: .*`REQUIRE_APROVAL`, did you mean `REQUIRE_APPROVAL`/.test(out),
  );
  writeFileSync(policy, good);
  step(
    "mend it: canopy test and canopy lint are content",
    () => canopy("lint", policy),
    ({ code }) => code === 0 && canopy("test").code === 0,
  );
  for (const [name, main] of Object.entries(models)) {
    step(
      `guard a tool, copied from the README of ${name}: the model's \`rm -rf /\` does not run`,
      () => copyAndRun(name, main),
      ({ code, out }) => code === 0 && out.includes("It was not allowed."),
    );
  }
  step(
    "look at the log: three denials",
    () => canopy("audit", "query", "--decision", "DENY", "--json"),
    ({ code, out }) => code === 0 && out.trim().split("\n").length === 3,
  );
  step(
    "canopy verify: it is whole",
    () => canopy("verify", "audit.log"),
    ({ code, out }) => code === 0 && out.includes("valid"),
  );
  const laxer =
    'version: 1\nextends: [canopy:default]\nexcept:\n  shell-delete-tree: [agent_ctx.env == "production"]\n  shell-delete-protected: [agent_ctx.env == "production"]\n';
  writeFileSync(join(app, "next.yaml"), laxer);
  step(
    "replay it under a laxer policy: what would change is counted, and CI can fail on it",
    () => canopy("replay", "audit.log", "--policy", "next.yaml", "--fail-on", "any"),
    ({ code, out }) => code === 1 && out.includes("3"),
  );
  console.log(`${((performance.now() - begun) / 1000).toFixed(1)} s in all`);
} finally {
  rmSync(base, { recursive: true, force: true });
}

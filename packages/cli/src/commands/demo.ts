import { lstat, mkdir, mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CanopyError, openCanopy, verifyAuditLog } from "@canopy-runtime/core";
import type { Command } from "../command.ts";
import { decisionTable } from "../decision-table.ts";
import { guardedTools } from "../demo/tools.ts";
import { exitCodes } from "../exit-codes.ts";
import { paint, print } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

export const demo: Command = {
  name: "demo",
  summary: "a scripted agent with real tools, in a temporary folder",
  help: `canopy demo: a scripted agent with real tools, in a temporary folder; also as canopy-demo

Usage: canopy demo [--safe-path DIR]

  --safe-path DIR   the directory in which the agent may write; one inside the temporary folder where it is left out.
                    The demo leaves one file there, canopy-demo.txt, and refuses to replace one

The agent lists its folder, writes a note, tries to remove an important folder in two disguises and to call an address that nobody listed.
Then the decisions are shown, the audit log is verified, and a changed byte in a copy of it is found.

Exit codes: 0 all of it went as it must, 1 something did not, 2 the directory cannot be used.
`,
  async run(args, terminal) {
    const { values } = parseArgs({ args: [...args], options: { "safe-path": { type: "string" } } });
    if (values["safe-path"] === "") throw new UsageError("--safe-path is empty, name a directory");
    const base = await usable(tmpdir(), async () => await mkdtemp(join(tmpdir(), "canopy-demo-")));
    const workspace = join(base, "workspace");
    const important = join(workspace, "important");
    await mkdir(important, { recursive: true });
    await writeFile(join(important, "contracts.txt"), "the only copy\n");
    const safePath = values["safe-path"] === undefined ? join(workspace, "drafts") : resolve(values["safe-path"]);
    await usable(safePath, async () => await makeDirectory(safePath));
    const note = join(safePath, "canopy-demo.txt");
    if (await exists(note)) throw new UsageError(`\`${note}\` is there already, name another --safe-path`);

    const failures: string[] = [];
    const claim = async (holds: boolean, what: string): Promise<void> => {
      await print(terminal, `  ${holds ? paint(terminal, "green", "ok     ") : paint(terminal, "red", "NOT SO ")} ${what}\n`);
      if (!holds) failures.push(what);
    };

    const log = join(base, "audit.log");
    const canopy = await openCanopy({ policy: "canopy:default", audit: log });
    const called: string[] = [];
    const agentCtx = { agent_id: "canopy-demo", env: "production", cwd: workspace, home: join(base, "home"), safe_paths: [safePath] };
    const tools = guardedTools(canopy, agentCtx, workspace, (url) => called.push(url));
    const encoded = Buffer.from("rm -rf important").toString("base64");
    const steps = [
      { words: "shell       ls -la", expected: "ALLOW", run: async () => await tools.shell({ command: "ls -la" }) },
      {
        words: `write_file  ${note}`,
        expected: "ALLOW",
        run: async () => await tools.writeFile({ path: note, content: "I was allowed to write this.\n" }),
      },
      { words: "shell       r''m -fr important", expected: "DENY", run: async () => await tools.shell({ command: "r''m -fr important" }) },
      {
        words: `shell       echo ${encoded} | base64 -d | sh`,
        expected: "DENY",
        run: async () => await tools.shell({ command: `echo ${encoded} | base64 -d | sh` }),
      },
      {
        words: "fetch       https://api.stripe.com/v1/charges",
        expected: "REQUIRE_APPROVAL",
        run: async () => await tools.fetch({ url: "https://api.stripe.com/v1/charges" }),
      },
    ];

    await print(terminal, `An agent at work in ${workspace}, which may write in ${safePath}\n\n`);
    for (const { words, run } of steps) {
      await print(terminal, `${paint(terminal, "bold", ">")} ${words}\n`);
      await print(terminal, `${indent(await outcome(run))}\n`);
    }
    await canopy.close();

    const entries = (await readFile(log, "utf8")).trimEnd().split("\n");
    await print(terminal, `\n${decisionTable(entries, terminal)}\nWhat is so now:\n`);
    const decided = entries.map((line) => JSON.parse(line) as { type: string; decision: string }).filter(({ type }) => type === "decision");
    const expected = steps.map((step) => step.expected).join(", ");
    await claim(decided.map(({ decision }) => decision).join(", ") === expected, `the decisions were ${expected}`);
    await claim(await exists(join(important, "contracts.txt")), "the important folder still stands");
    await claim(await exists(note), "the note that was allowed is there");
    await claim(called.length === 0, "no address was called");

    const verdict = await verifyAuditLog(log);
    await claim(verdict.kind === "valid", `the log verifies: ${log}`);
    const copy = join(base, "tampered.log");
    const line = entries.findIndex((entry) => entry.includes('"decision":"DENY"'));
    await writeFile(
      copy,
      `${entries.map((entry, index) => (index === line ? entry.replace("important", "imp0rtant") : entry)).join("\n")}\n`,
    );
    const tampered = await verifyAuditLog(copy);
    await claim(tampered.kind === "tampered" && tampered.line === line + 1, `one changed byte in a copy is found, in line ${line + 1}`);
    await print(terminal, `\nTry it: canopy verify ${log}\n`);
    return failures.length === 0 ? exitCodes.ok : exitCodes.finding;
  },
};

/** What the agent gets back: the tool's output, or why it did not run. */
async function outcome(run: () => Promise<string>): Promise<string> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CanopyError) return error.message;
    throw error;
  }
}

/** Does `work` with a directory that the person chose; what keeps it from being used is theirs to mend. */
async function usable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`\`${path}\` cannot be used as a directory (${code ?? String(error)})`, { cause: error });
  }
}

/** Like `mkdir` with `recursive`, which in a file system that refuses new names (`/proc`) tries for ever. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

/** Also a symbolic link to nothing, which writing would follow. */
async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}

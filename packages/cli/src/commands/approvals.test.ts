import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { DatabaseSync } from "node:sqlite";

import { openCanopy } from "@canopy-runtime/core";
import type { Canopy } from "@canopy-runtime/core";
import { describe, expect, it, onTestFinished } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import type { Run } from "../cli.test.fixture.ts";
import { main } from "../main.ts";

const mild = "curl https://example.com/a";
const severe = "sudo ls /root";

interface Story {
  readonly folder: string;
  readonly log: string;
  readonly runtime: Canopy;
  /** Asks for the command, and answers with the request's id. */
  readonly ask: (command: string) => Promise<string>;
  readonly again: (command: string) => Promise<{ readonly decision: string; readonly reason: string }>;
}

async function story(options: Parameters<typeof openCanopy>[0] = {}): Promise<Story> {
  const folder = await temporaryDirectory();
  const log = join(folder, "audit.log");
  const runtime = await openCanopy({ audit: log, ...options });
  onTestFinished(async () => await runtime.close());
  const again: Story["again"] = async (command) => await runtime.authorizeAction({ agent_id: "helper" }, "execute_shell", { command });
  return {
    folder,
    log,
    runtime,
    again,
    ask: async (command) => {
      const answer = await runtime.authorizeAction({ agent_id: "helper" }, "execute_shell", { command });
      if (answer.decision !== "REQUIRE_APPROVAL") throw new Error(answer.reason);
      return answer.approvalId;
    },
  };
}

/** Runs one command line as a person at a terminal would, who types `typed` when they are asked. */
async function atTerminal(argv: readonly string[], typed: string): Promise<Run> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = Promise.all([text(stdout), text(stderr)]);
  stdin.end(typed);
  const code = await main(argv, { stdin, stdout, stderr, env: {}, interactive: false, canAsk: true });
  stdout.end();
  stderr.end();
  const [out, err] = await output;
  return { code, out, err };
}

describe("canopy approvals", () => {
  it("tells its commands, and each tells its options", async () => {
    const { out } = await canopy(["approvals", "--help"]);
    for (const name of ["list", "show", "approve", "deny", "cancel", "watch", "keygen"]) {
      expect(out).toContain(`\n  ${name} `);
      const help = await canopy(["approvals", name, "--help"]);
      expect(help).toMatchObject({ code: 0, out: expect.stringContaining(`Usage: canopy approvals ${name}`) as string });
    }
  });

  it("lists what waits, shows one, approves it, and the action runs once", async () => {
    const { log, ask, again } = await story();
    const id = await ask(mild);
    const listed = await canopy(["approvals", "list", "--log", log]);
    expect(listed.out).toContain(id);
    expect(listed.out).toMatch(/pending .* execute_shell .* helper /);
    const shown = await canopy(["approvals", "show", id, "--log", log]);
    expect(shown.out).toContain(`│ command: ${mild}`);
    expect(shown.out).toContain("shell-network");
    const full = await canopy(["approvals", "show", id, "--full", "--log", log]);
    expect(JSON.parse(full.out)).toMatchObject({ actions: [{ action_type: "execute_shell", payload: { command: mild } }] });
    const done = await canopy(["approvals", "approve", id, "--log", log, "--yes", "--by", "Ann", "--note", "known host"]);
    expect(done).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(new RegExp(`^approved ${id} by Ann \\(same_user\\), to be used by `)) as string,
    });
    expect(await again(mild)).toMatchObject({ decision: "ALLOW" });
    expect(await again(mild)).toMatchObject({
      decision: "REQUIRE_APPROVAL",
      reason: expect.stringContaining("was used already") as string,
    });
    const after = await canopy(["approvals", "list", "--log", log]);
    expect(after.out).toContain("used, no outcome");
    const json = await canopy(["approvals", "list", "--all", "--json"], "", { CANOPY_AUDIT_LOG_PATH: log });
    const lines = json.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { state: "pending" },
      { id, state: "used", decision: { decided_by: "Ann", note: "known host" }, use: { outcome: null } },
    ]);
    const tail = await canopy(["audit", "tail", log, "-n", "6"]);
    expect(tail.out).toMatch(new RegExp(`approved +${id} +by Ann`));
  });

  it("denies with a note, which the agent is told, and takes it back", async () => {
    const { log, ask, again } = await story();
    const id = await ask(mild);
    expect(await canopy(["approvals", "deny", id, "--log", log])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--note is missing") as string,
    });
    expect(await canopy(["approvals", "deny", id, "--log", log, "--note", "not today", "--by", "Ann"])).toMatchObject({
      code: 0,
      out: `denied ${id} by Ann (same_user)\n`,
    });
    expect(await again(mild)).toMatchObject({ decision: "DENY", reason: expect.stringContaining("not today") as string });
    expect(await canopy(["approvals", "cancel", id, "--log", log, "--by", "Ann"])).toMatchObject({
      code: 0,
      out: `cancelled ${id} by Ann\n`,
    });
    expect(await again(mild)).toMatchObject({ decision: "REQUIRE_APPROVAL" });
  });

  it("asks at a terminal, and nothing but yes is a yes", async () => {
    const { log, ask, again } = await story();
    const id = await ask(mild);
    for (const typed of ["", "\n", "n\n", "maybe\n", "yess\n"]) {
      const run = await atTerminal(["approvals", "approve", id, "--log", log], typed);
      expect([typed, run.code, run.err.includes("nothing was decided")]).toEqual([typed, 1, true]);
      expect(run.out).toContain(`│ command: ${mild}`);
    }
    expect(await again(mild)).toMatchObject({ decision: "REQUIRE_APPROVAL" });
    expect(await atTerminal(["approvals", "approve", id, "--log", log], "y\n")).toMatchObject({ code: 0 });
    expect(await again(mild)).toMatchObject({ decision: "ALLOW" });
  });

  it("wants more than a yes for severe requests: what is typed comes from what is shown, and --yes is not enough", async () => {
    const { log, ask, again } = await story();
    const id = await ask(severe);
    const refused = await canopy(["approvals", "approve", id, "--log", log, "--yes"]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("a request of severity high is approved by hand") as string });
    for (const argv of [[], ["--yes"]]) {
      expect(await atTerminal(["approvals", "approve", id, "--log", log, ...argv], "y\n")).toMatchObject({ code: 1 });
    }
    const { out } = await canopy(["approvals", "show", id, "--log", log]);
    const digest = /digest +([0-9a-f]{64})/.exec(out)?.[1] ?? "";
    expect(await atTerminal(["approvals", "approve", id, "--log", log], `${digest.slice(0, 6)}\n`)).toMatchObject({ code: 0 });
    expect(await again(severe)).toMatchObject({ decision: "ALLOW" });
  });

  it("signs with an approver's key, which the host wants for severe requests where it lists any", async () => {
    const folder = await temporaryDirectory();
    const file = join(folder, "ann.key");
    const made = await canopy(["approvals", "keygen", file, "--name", "ann"]);
    expect(made).toMatchObject({ code: 0, err: "" });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await canopy(["approvals", "keygen", file])).toMatchObject({
      code: 2,
      err: expect.stringContaining("never overwritten") as string,
    });
    expect(await canopy(["approvals", "keygen", join(folder, "b"), "--name", "a b"])).toMatchObject({ code: 2 });
    const { log, ask, again } = await story({ approvals: { approvers: [{ name: "ann", publicKey: made.out.trim() }] } });
    const id = await ask(severe);
    expect(await canopy(["approvals", "approve", id, "--log", log, "--yes", "--key", join(folder, "none")])).toMatchObject({ code: 2 });
    const done = await canopy(["approvals", "approve", id, "--log", log, "--yes", "--key", file, "--json"]);
    expect(JSON.parse(done.out)).toMatchObject({ id, state: "approved", decision: { decided_by: "ann", assurance: "key" } });
    expect(await again(severe)).toMatchObject({ decision: "ALLOW" });
    expect(await readFile(log, "utf8")).toContain('"approval":{"id":"');
  });

  it("watches requests come, and what becomes of them, until nobody reads any more", async () => {
    const { log, ask, runtime } = await story();
    await ask(mild);
    const stdout = new PassThrough();
    let out = "";
    let id: Promise<string> | undefined;
    stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      // A request that waits; then another comes and is denied; then nobody reads any more.
      if (out.includes("pending")) id ??= ask(severe);
      if ((out.match(/pending/g) ?? []).length === 2 && !out.includes("denied")) {
        void id?.then(async (asked) => await runtime.approvals.decide(asked, { decision: "deny", by: "Ann" }).catch(() => undefined));
      }
      if (out.includes("denied")) stdout.destroy();
    });
    const code = await main(["approvals", "watch", "--log", log], {
      stdin: new PassThrough(),
      stdout,
      stderr: new PassThrough(),
      env: {},
      interactive: false,
    });
    expect(code).toBe(0);
    expect(out).toContain("denied");
  });

  it.each([
    [["approvals"], "a command is missing, one of "],
    [["approvals", "aprove"], "unknown command `approvals aprove`"],
    [["approvals", "approve"], "the id of the request is missing"],
    [["approvals", "show", "a", "b"], "one request at a time"],
    [["approvals", "list", "--state", "open"], "--state is `open`"],
    [["approvals", "list", "--log", ""], "the name of the log is empty"],
    [["approvals", "list", "--log", "/nowhere/audit.log"], "cannot read the audit log `/nowhere/audit.log`"],
    [["approvals", "list", "--approvals", ""], "--approvals is empty"],
    [["approvals", "keygen"], "name one file"],
    [["approvals", "list", "--colour"], "--colour"],
  ])("%j is refused in one line", async (argv, message) => {
    const { code, out, err } = await canopy(argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("refuses ids that are none, and creates no log and no key by mistake", async () => {
    const { log, folder } = await story();
    expect(await canopy(["approvals", "show", "7", "--log", log])).toMatchObject({
      code: 2,
      err: expect.stringContaining("is no approval's id") as string,
    });
    expect(await canopy(["approvals", "approve", `APR-${"0".repeat(32)}`, "--log", log, "--yes"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is no request") as string,
    });
    await canopy(["approvals", "list", "--log", join(folder, "other.log")]);
    await expect(stat(join(folder, "other.log"))).rejects.toMatchObject({ code: "ENOENT" });
    // Nor a store, which the runtime could not open where somebody else made it.
    expect(await canopy(["approvals", "list", "--log", log])).toMatchObject({ code: 0, out: "nothing waits for a person\n" });
    await expect(stat(`${log}.approvals.db`)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("shows that a request was changed from outside, does not show it as if it were so, and does not approve it", async () => {
    const { log, ask } = await story();
    const id = await ask(mild);
    const database = new DatabaseSync(`${log}.approvals.db`, { timeout: 2000 });
    database.prepare("UPDATE approvals SET action = replace(action, 'example.com/a', 'example.com/b')").run();
    database.close();
    expect((await canopy(["approvals", "list", "--log", log])).out).toContain("NOT TO BE TRUSTED");
    const shown = await canopy(["approvals", "show", id, "--log", log]);
    expect(shown.out).toContain("PROBLEM");
    expect(shown.out).not.toContain("command:");
    expect(await canopy(["approvals", "show", id, "--full", "--log", log])).toMatchObject({ code: 2, out: "" });
    const refused = await canopy(["approvals", "approve", id, "--log", log, "--yes"]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("cannot be decided") as string });
    expect(await canopy(["approvals", "cancel", id, "--log", log])).toMatchObject({ code: 0 });
  });
});

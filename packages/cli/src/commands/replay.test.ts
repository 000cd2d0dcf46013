import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { openCanopy } from "@canopy-runtime/core";
import type { CanopyOptions } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import { main } from "../main.ts";
import { progressBar } from "../progress-bar.ts";

const rules = `version: 1
default: DENY
rules:
  - { id: look, action_type: look, allow: true }
  - { id: touch, action_type: touch, require_approval: true }
`;

/** A log of eight decisions, and a folder with it in which there are policies. */
async function written(options: Partial<CanopyOptions> = {}): Promise<{ readonly folder: string; readonly log: string }> {
  const folder = await temporaryDirectory();
  const log = join(folder, "audit.log");
  await using runtime = await openCanopy({
    policy: { name: "rules.yaml", text: rules },
    approvals: false,
    audit: { path: log, durability: "os" },
    ...options,
  });
  for (const [agent, action] of [
    ["a", "look"],
    ["a", "look"],
    ["a", "look"],
    ["b", "touch"],
    ["b", "touch"],
    ["b", "break"],
    ["b", "break"],
    ["b", "break"],
  ]) {
    await runtime.authorize({
      agentCtx: { agent_id: agent ?? "" },
      actions: [{ actionType: action ?? "", payload: { path: "x\u001b[31m" } }],
    });
  }
  await writeFile(join(folder, "same.yaml"), `# The same rules.\n${rules}`);
  await writeFile(
    join(folder, "loose.yaml"),
    rules.replace("require_approval", "allow").replace("id: look, action_type: look, allow", "id: look, action_type: look, deny"),
  );
  await writeFile(join(folder, "broken.yaml"), "version: 1\nrulez: []\nnonsense: true\n");
  return { folder, log };
}

describe("canopy replay", () => {
  it("reproduces what is on record, also of the log in a folder, and writes nothing", async () => {
    const { folder, log } = await written();
    const before = await readFile(log);
    const { code, out, err } = await canopy(["replay", log]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(`reproduced ${log}: 8 decisions, 8 judged again, 8 answered as on record\n`);
    expect((await canopy(["replay", folder])).out).toBe(out);
    expect((await canopy(["replay"], "", { CANOPY_AUDIT_LOG_PATH: log })).out).toBe(out);
    expect(await readFile(log)).toEqual(before);
  });

  it("names the entries of which the record says otherwise than the policy, and ends with 1", async () => {
    const { log } = await written();
    const lines = (await readFile(log, "utf8")).split("\n");
    const seq = lines.findIndex((line) => line.includes('"action_type":"break"'));
    await writeFile(
      log,
      lines.map((line, index) => (index === seq ? line.replace('"decision":"DENY"', '"decision":"ALLOW"') : line)).join("\n"),
    );
    const { code, out } = await canopy(["replay", log]);
    expect(code).toBe(1);
    expect(out).toContain("not reproduced");
    expect(out).toContain("1  break: ALLOW by no rule → DENY by no rule");
    expect(out).toContain(`entry ${seq}  `);
    const json = JSON.parse((await canopy(["replay", log, "--json"])).out) as { readonly defects: readonly unknown[] };
    expect(json.defects).toMatchObject([{ from: "ALLOW", to: "DENY", count: 1, samples: [{ seq }] }]);
  });

  it("says what another policy would have answered, grouped, with control characters spelt out", async () => {
    const { folder, log } = await written();
    const { code, out } = await canopy(["replay", log, "--policy", join(folder, "loose.yaml"), "--samples", "2"]);
    expect(code).toBe(0);
    expect(out).toContain("newly allowed: 2\n       2  touch: REQUIRE_APPROVAL by touch → ALLOW by touch\n");
    expect(out).toContain("newly denied: 3\n       3  look: ALLOW by look → DENY by look\n");
    expect(out.match(/entry \d+ /g)).toHaveLength(4);
    expect(out).toContain(String.raw`\u001b[31m`);
    expect(out).not.toContain("\u001b");
    const json = JSON.parse((await canopy(["replay", log, "--policy", join(folder, "loose.yaml"), "--json"])).out) as object;
    expect(json).toMatchObject({ kind: "what_if", decisions: 8, judged: 8, same: 3, newly_allowed: 2, newly_denied: 3, newly_asking: 0 });
    expect((await canopy(["replay", log, "--policy", join(folder, "same.yaml")])).out).toContain("nothing changes");
  });

  it("fails on the changes that it is told to fail on, and on no others", async () => {
    const { folder, log } = await written();
    const replay = async (policy: string, ...words: readonly string[]): Promise<number> =>
      (await canopy(["replay", log, "--policy", join(folder, policy), ...words.flatMap((word) => ["--fail-on", word])])).code;
    expect(await replay("loose.yaml", "newly-allowed")).toBe(1);
    expect(await replay("loose.yaml", "newly-denied,newly-asking")).toBe(1);
    expect(await replay("loose.yaml", "newly-asking")).toBe(0);
    expect(await replay("loose.yaml", "any")).toBe(1);
    expect(await replay("loose.yaml", "newly-asking", "newly-denied")).toBe(1);
    expect(await replay("same.yaml", "any")).toBe(0);
  });

  it("says nothing for --fail-on where not one decision could be judged", async () => {
    const { folder, log } = await written();
    const { code, err } = await canopy(["replay", log, "--policy", join(folder, "same.yaml"), "--fail-on", "any", "--since", "2999-01-01"]);
    expect({ code, err }).toEqual({
      code: 2,
      err: "canopy: not one decision could be judged, so that nothing can be said for --fail-on\n",
    });
  });

  it("judges the decisions that the filter wants", async () => {
    const { log } = await written();
    expect((await canopy(["replay", log, "--action", "touch"])).out).toContain("2 decisions, 2 judged again");
    expect((await canopy(["replay", log, "--decision", "DENY", "--rule", "touch"])).out).toContain("0 decisions");
    expect((await canopy(["replay", log, "--until", "2020-01-01"])).out).toContain("0 decisions");
  });

  it.each<[string, readonly string[], string]>([
    ["a log that is not there", ["none.log"], "there is no such file"],
    ["two logs", ["a", "b"], "one log at a time"],
    ["an unknown change", ["--policy", "p", "--fail-on", "newly-alowed"], "not one of newly-allowed, newly-denied, newly-asking, any"],
    ["a change to fail on without a policy", ["--fail-on", "any"], "--fail-on goes with --policy"],
    ["a time that is none", ["--since", "yesterday"], "--since is `yesterday`"],
    ["a decision that is none", ["--decision", "deny"], "--decision is `deny`"],
    ["samples that are no count", ["--samples", "many"], "--samples is `many`"],
    ["more samples than anybody reads", ["--samples", "100000"], "`samples` is not a count from 0 to 1000"],
    ["an empty policy", ["--policy", ""], "the name of the policy file is empty"],
    ["an unknown option", ["--polcy", "x"], "unknown option"],
  ])("refuses %s", async (_, args, message) => {
    const { code, out, err } = await canopy(["replay", ...args], "", {
      CANOPY_AUDIT_LOG_PATH: join(await temporaryDirectory(), "none.log"),
    });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  it("tells every problem of a policy that does not load", async () => {
    const { folder, log } = await written();
    const { code, err } = await canopy(["replay", log, "--policy", join(folder, "broken.yaml")]);
    expect(code).toBe(2);
    expect(err.split("\n").length).toBeGreaterThan(2);
    expect(err).toContain("rulez");
  });

  it("judges what it can of a log with lines that are no entries, names them, and ends with 2", async () => {
    const { log } = await written();
    await appendFile(
      log,
      `{"type":"decision"\n${"[".repeat(30_000)}\n\u0000\u0001\n[]\n{"v":1,"seq":1,"ts":"x","type":"decision","decision":{}}\n`,
    );
    const { code, out, err } = await canopy(["replay", log]);
    expect(code).toBe(2);
    expect(out).toContain("9 decisions, 8 judged again, 8 answered as on record");
    expect(out).toContain("set apart: 1 are not written as Canopy writes them");
    expect(err).toContain(`canopy: 4 lines are no entries, at ${log}:12, ${log}:13, ${log}:14; canopy verify says more`);
  });

  it("says where it cannot read on, in a log with a line that is too long to be one", async () => {
    const { log } = await written();
    await appendFile(log, "x".repeat(500_000));
    const { code, err } = await canopy(["replay", log]);
    expect(code).toBe(2);
    expect(err).toContain("the line there is longer than a line can be");
  });
});

describe("the progress bar", () => {
  it("is there for a terminal alone, after a while, and is wiped away", async () => {
    const stderr = new PassThrough();
    let now = 0;
    const bar = progressBar({ interactive: true, stderr }, () => now);
    bar?.update(1, 10);
    now = 600;
    bar?.update(5, 10);
    bar?.update(6, 10);
    bar?.clear();
    stderr.end();
    const shown = await text(stderr);
    expect(shown.match(/%/g)).toHaveLength(1);
    expect(shown).toContain(" 50 %");
    expect(shown.endsWith("\r")).toBe(true);
    expect(progressBar({ interactive: false, stderr })).toBeNull();
  });

  it("leaves nothing on standard error of a short run", async () => {
    const { log } = await written();
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const printed = Promise.all([text(stdout), text(stderr)]);
    const code = await main(["replay", log], { stdin, stdout, stderr, env: {}, interactive: true });
    stdout.end();
    stderr.end();
    const [out, err] = await printed;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("\u001b[");
  });
});

describe("canopy report", () => {
  it("sums up by rule, agent and tool what was answered", async () => {
    const { log } = await written();
    const { code, out, err } = await canopy(["report", log]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.split("\n").map((line) => line.trim().replaceAll(/ +/g, " "));
    expect(lines[0]).toContain("8 decisions, from ");
    expect(lines[1]).toBe("3 denied, 2 asked about, 3 allowed");
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\(default\) 3 0 0 .*entry \d+: break /),
        expect.stringMatching(/^touch 0 2 0 /),
        expect.stringMatching(/^a 0 0 3 /),
      ]),
    );
    expect(out).not.toContain("let through");
  });

  it("says of a log that was only observed what would have been denied and asked about", async () => {
    const { log } = await written({ mode: "observe" });
    expect((await canopy(["report", log])).out).toContain("5 of the denied and asked were let through");
    const json = JSON.parse((await canopy(["report", log, "--json"])).out) as object;
    expect(json).toMatchObject({
      decisions: 8,
      denied: 3,
      asked: 2,
      allowed: 3,
      let_through: 5,
      rules: [{ name: null, let_through: 3 }, { name: "touch" }, { name: "look" }],
    });
  });

  it("is of what the filter wants, and of nothing where there is nothing", async () => {
    const { log } = await written();
    expect((await canopy(["report", log, "--action", "touch"])).out).toContain("2 decisions");
    expect((await canopy(["report", log, "--since", "2999-01-01"])).out).toBe(`${log}: 0 decisions\n`);
    expect(await canopy(["report", log, "--samples", "200"])).toMatchObject({ code: 2 });
    expect(await canopy(["report", `${log}.none`])).toMatchObject({ code: 2, out: "" });
  });

  it("tells of lines that are no entries", async () => {
    const { folder, log } = await written();
    await appendFile(log, "7\n");
    await mkdir(join(folder, "moved"));
    await rename(log, join(folder, "moved", "audit.log"));
    const { code, err } = await canopy(["report", join(folder, "moved")]);
    expect(code).toBe(0);
    expect(err).toBe(`canopy: 1 line is no entry, at ${join(folder, "moved", "audit.log")}:12; canopy verify says more\n`);
  });
});

describe("canopy explain --entry", () => {
  it("explains a decision on record, and ends with the code of its answer", async () => {
    const { log } = await written();
    const seq = (await readFile(log, "utf8")).split("\n").findIndex((line) => line.includes('"action_type":"touch"'));
    const { code, out, err } = await canopy(["explain", "--entry", String(seq), "--log", log]);
    expect({ code, err }).toEqual({ code: 3, err: "" });
    expect(out).toContain(`entry ${seq}\n`);
    expect(out).toContain("answer  REQUIRE_APPROVAL by touch");
    expect(out).toContain("applies     REQUIRE_APPROVAL touch  rules.yaml:5");
    expect(out).not.toContain("now");
  });

  it("explains it under another policy, and says that its answer is another", async () => {
    const { folder, log } = await written();
    const seq = (await readFile(log, "utf8")).split("\n").findIndex((line) => line.includes('"action_type":"touch"'));
    const args = ["explain", "--entry", String(seq), "--log", folder, "--policy", join(folder, "loose.yaml")];
    const { code, out } = await canopy(args);
    expect(code).toBe(0);
    expect(out).toContain("now     ALLOW: ");
    expect(JSON.parse((await canopy([...args, "--json"])).out)).toMatchObject({
      recorded: { seq, answer: "REQUIRE_APPROVAL" },
      now: { decision: "ALLOW" },
      actions: [{ action_type: "touch" }],
    });
    expect(await canopy([...args.slice(0, -1), join(folder, "broken.yaml")])).toMatchObject({ code: 4 });
    expect(log).toBe(join(folder, "audit.log"));
  });

  it.each<[readonly string[], string]>([
    [["--entry", "999"], "there is no entry 999"],
    [["--entry", "0"], "entry 0 is a `log.opened`, not a decision"],
    [["--entry", "x"], "neither the number nor the id of an entry"],
    [["--entry", "3", "--payload", "{}"], "--payload does not go with --entry"],
    [["--log", "x"], "--log goes with --entry"],
    [["--entry", "3", "--policy", ""], "the name of the policy file is empty"],
  ])("refuses %j", async (args, message) => {
    const { log } = await written();
    const { code, err, out } = await canopy(["explain", ...args], "", { CANOPY_AUDIT_LOG_PATH: log });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
  });
});

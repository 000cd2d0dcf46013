import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { describe, expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import { main } from "../main.ts";

const files = ["canopy.policy.test.yaml", "canopy.policy.yaml"];

/** Answers as a person at a terminal would. */
async function talk(
  args: readonly string[],
  answers: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(answers.map((answer) => `${answer}\n`).join(""));
  const printed = Promise.all([text(stdout), text(stderr)]);
  const code = await main(["init", ...args], { stdin, stdout, stderr, env: {}, interactive: true });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { code, out, err };
}

describe("canopy init", () => {
  it("writes a policy and its tests, which pass, and which lint finds nothing in", async () => {
    const folder = await temporaryDirectory();
    const args = [
      "--yes",
      "--shell",
      "ask",
      "--path",
      "/srv/work",
      "--host",
      "API.example.com",
      "--sql",
      "deny",
      "--payments",
      "deny",
      "--production",
    ];
    const { code, out, err } = await canopy(["init", folder, ...args]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`written: ${join(folder, "canopy.policy.yaml")}`);
    expect((await readdir(folder)).toSorted((a, b) => a.localeCompare(b))).toEqual(files);
    expect(await canopy(["test", folder])).toMatchObject({ code: 0, err: "" });
    expect(await canopy(["lint", join(folder, "canopy.policy.yaml")])).toMatchObject({ code: 0 });
    const policy = join(folder, "canopy.policy.yaml");
    const asked = async (action: string, payload: object): Promise<number> =>
      (
        await canopy([
          "check",
          "--policy",
          policy,
          "--lexical",
          "--agent",
          '{"env":"dev"}',
          "--action",
          action,
          "--payload",
          JSON.stringify(payload),
        ])
      ).code;
    expect(await asked("execute_shell", { command: "ls" })).toBe(3);
    expect(await asked("read_file", { path: "/srv/work/a" })).toBe(0);
    expect(await asked("call_external_api", { url: "https://api.example.com/" })).toBe(0);
    expect(await asked("execute_query", { query: "SELECT 1", dialect: "postgres" })).toBe(4);
  });

  it("overwrites nothing, and leaves nothing half done", async () => {
    for (const name of files) {
      const folder = await temporaryDirectory();
      await writeFile(join(folder, name), "mine");
      expect(await canopy(["init", folder, "--yes"])).toMatchObject({
        code: 2,
        out: "",
        err: expect.stringContaining("exists already, and nothing was written") as string,
      });
      expect(await readdir(folder)).toEqual([name]);
      expect(await readFile(join(folder, name), "utf8")).toBe("mine");
    }
    const folder = await temporaryDirectory();
    expect(await canopy(["init", join(folder, "none"), "--yes"])).toMatchObject({
      code: 2,
      err: `canopy: cannot write \`${join(folder, "none", "canopy.policy.yaml")}\`: its folder does not exist, make it first\n`,
    });
  });

  it("names the format where an editor finds it", async () => {
    const folder = await temporaryDirectory();
    await mkdir(join(folder, "node_modules", "@canopy-runtime", "core"), { recursive: true });
    await writeFile(join(folder, "node_modules", "@canopy-runtime", "core", "policy.schema.json"), "{}");
    await mkdir(join(folder, "agents", "one"), { recursive: true });
    await canopy(["init", join(folder, "agents", "one"), "--yes"]);
    const [first] = (await readFile(join(folder, "agents", "one", "canopy.policy.yaml"), "utf8")).split("\n");
    expect(first).toBe("# yaml-language-server: $schema=../../node_modules/@canopy-runtime/core/policy.schema.json");
  });

  it("asks a person for what was not said, again where an answer cannot be read", async () => {
    const folder = await temporaryDirectory();
    const { code, out } = await talk(
      [folder, "--sql", "ask"],
      ["perhaps", "deny", "", "/srv/work, /data", "careful", "nonsense!", "api.example.com", "ask", "maybe", "yes"],
    );
    expect(code).toBe(0);
    expect(out).toContain("the answer is `perhaps`, not careful, ask or deny");
    expect(out).toContain("the answer is `nonsense!`: write a host's name");
    expect(out).toContain("the answer is yes or no");
    expect(out).not.toContain("SQL");
    const policy = await readFile(join(folder, "canopy.policy.yaml"), "utf8");
    for (const part of ["shell-deny", '["/srv/work", "/data"]', '["api.example.com"]', "sql-ask", "production-files"])
      expect(policy).toContain(part);
    expect(await canopy(["test", folder])).toMatchObject({ code: 0 });
  });

  it("takes Enter for the careful answer to everything", async () => {
    const [asked, said] = [await temporaryDirectory(), await temporaryDirectory()];
    expect(
      await talk(
        [asked],
        Array.from({ length: 8 }, () => ""),
      ),
    ).toMatchObject({ code: 0 });
    await canopy(["init", said, "--yes"]);
    for (const name of files) expect(await readFile(join(asked, name), "utf8")).toBe(await readFile(join(said, name), "utf8"));
  });

  it("writes nothing where the answers end too soon, or nobody is there to ask", async () => {
    const folder = await temporaryDirectory();
    expect(await talk([folder], ["ask"])).toMatchObject({ code: 2, err: "canopy: the answers ended too soon, and nothing was written\n" });
    expect(await canopy(["init", folder, "--shell", "ask"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("there is nobody to ask") as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[readonly string[], string]>([
    [["--shell", "allow"], "--shell is `allow`, not careful, ask or deny"],
    [["--payments", "careful"], "--payments is `careful`, not ask or deny"],
    [["--files", "deny", "--path", "/srv"], "--path goes with --files careful"],
    [["--apis", "ask", "--host", "a.example"], "--host goes with --apis careful"],
    [["--host", "https://a.example/"], "--host is `https://a.example/`: write a host's name"],
    [["--host", "*"], "--host is `*`: write a host's name"],
    [["--host", "10.0.0.1"], "--host is `10.0.0.1`: write a host's name"],
    [["--host", "localhost"], "--host is `localhost`: write a host's name"],
    [["--host", "metadata.google.internal"], "these choices do not go together"],
    [["--path", "~/work"], "write the directory in full"],
    [["--path", ""], "not a directory"],
    [["--path", "/srv/\u202ework"], "not a directory"],
    [["--path", "/srv\nrules: []"], "not a directory"],
    [["--path", "/etc"], "these choices do not go together"],
    [["--path", "/"], "these choices do not go together"],
    [["--path", "/srv/app/.git"], "these choices do not go together"],
    [["--path", "/srv/[x]*"], "these choices do not go together"],
    [["--path", "/srv/work", "--path", "/usr/lib"], "these choices do not go together"],
    [["--host", "a.example.com", "--host", "metadata.google.internal"], "these choices do not go together"],
    [["--name", "x"], "--name goes with --audit-key"],
    [["--audit-key", "k", "--shell", "ask"], "--shell does not go with --audit-key"],
    [["--audit-key", "k", "--yes"], "--yes does not go with --audit-key"],
    [["a", "b"], "one folder at a time"],
  ])("refuses %j, and writes nothing", async (args, message) => {
    const folder = await temporaryDirectory();
    const isKey = args.includes("--audit-key");
    const { code, out, err } = await canopy([
      "init",
      ...args,
      ...(args.length === 2 && args[0] === "a" ? [] : isKey ? [] : [folder]),
      ...(isKey ? [] : ["--yes"]),
    ]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([["/srv/elsewhere"], ["/srv"], ["/srv/app"], ["/home/agent/work"], ["/tmp/a b"], ["/data/ümlaut"]])(
    "makes a policy of %s that passes its tests",
    async (path) => {
      const folder = await temporaryDirectory();
      expect(await canopy(["init", folder, "--yes", "--path", path, "--host", "elsewhere.example"])).toMatchObject({ code: 0, err: "" });
    },
  );
});

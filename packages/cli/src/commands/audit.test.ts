import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";

import { openCanopy } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";
import { main } from "../main.ts";
import { readTime } from "./audit/log-path.ts";

/** A log with four decisions, of which `ls` has an outcome and `whoami` has none. */
async function writtenLog(): Promise<string> {
  const path = join(await temporaryDirectory(), "audit.log");
  await using runtime = await openCanopy({ audit: path });
  for (const command of ["ls", "curl https://example.com", "rm -rf /", "whoami"]) {
    const { authorizationId, traceId } = await runtime.authorizeAction({ env: "production" }, "execute_shell", { command });
    if (command === "ls" && authorizationId !== null) {
      await runtime.recordOutcome({ authorizationId, traceId, status: "success", outputHash: null, durationMs: 12 });
    }
  }
  return path;
}

describe("canopy audit", () => {
  it("tells its commands, and each tells its options", async () => {
    const { out } = await canopy(["audit", "--help"]);
    for (const name of ["tail", "query", "pending"]) {
      expect(out).toContain(`\n  ${name} `);
      const help = await canopy(["audit", name, "--help"]);
      expect(help).toMatchObject({ code: 0, out: expect.stringContaining(`Usage: canopy audit ${name}`) as string });
    }
  });

  it.each([
    [["audit"], "a word is missing"],
    [["audit", "tial"], "unknown command `audit tial`"],
    [["audit", "tail", "a", "b"], "one log at a time"],
    [["audit", "tail", ""], "the name of the log is empty"],
    [["audit", "tail", "-n", "-1"], "-n"],
    [["audit", "tail", "-n", "ten"], "-n is `ten`, not a count"],
    [["audit", "tail", "/nowhere/audit.log"], "cannot read `/nowhere/audit.log`"],
    [["audit", "query", "--decision", "allow"], "--decision is `allow`"],
    [["audit", "query", "--since", "yesterday"], "--since is `yesterday`"],
    [["audit", "query", "--colour", "red"], "--colour"],
    [["audit", "pending", "/nowhere/audit.log"], "cannot read"],
  ])("%j is refused in one line", async (argv, message) => {
    const { code, out, err } = await canopy(argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("tail prints the last entries, a line each, or as they stand in the log", async () => {
    const path = await writtenLog();
    const { code, out } = await canopy(["audit", "tail", path, "-n", "3"]);
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.replaceAll(/ +/g, " "))).toEqual([
      expect.stringMatching(/^ \d+ 20\S+ \S+ REQUIRE_APPROVAL execute_shell curl https:\/\/example\.com shell-network$/) as string,
      expect.stringMatching(/^ \d+ 20\S+ \S+ DENY execute_shell rm -rf \/ shell-delete/) as string,
      expect.stringMatching(/^ \d+ 20\S+ \S+ ALLOW execute_shell whoami shell-read-only$/) as string,
      "",
    ]);
    const lines = (await readFile(path, "utf8")).split("\n");
    expect((await canopy(["audit", "tail", "--json"], "", { CANOPY_AUDIT_LOG_PATH: path })).out.split("\n")).toEqual(lines.slice(-11));
    expect((await canopy(["audit", "tail", path, "-n", "0"])).out).toBe("");
  });

  it("tail -f goes on until nobody reads any more", async () => {
    const path = await writtenLog();
    const stdout = new PassThrough();
    let out = "";
    let appended = false;
    stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes("whoami") && !appended) {
        appended = true;
        void appendFile(path, '{"seq":98,"ts":"2026-01-01T00:00:00Z","type":"outcome"}\n');
      }
      // As when the other end of a pipe is closed.
      if (out.includes("     98  ")) stdout.destroy();
    });
    const again = setInterval(() => void appendFile(path, '{"seq":99,"ts":"2026-01-01T00:00:00Z","type":"outcome"}\n'), 300);
    const stdin = new PassThrough();
    const code = await main(["audit", "tail", "-f", path], { stdin, stdout, stderr: new PassThrough(), env: {}, interactive: false });
    clearInterval(again);
    expect(code).toBe(0);
    expect(out).toContain("     98  ");
  });

  it("query prints what meets all that is asked", async () => {
    const path = await writtenLog();
    const commands = async (...options: string[]): Promise<readonly unknown[]> => {
      const { out } = await canopy(["audit", "query", path, "--json", "--type", "decision", ...options]);
      return out
        .split("\n")
        .flatMap((line) => (line === "" ? [] : [(JSON.parse(line) as { payload: { command: string } }).payload.command]));
    };
    expect(await commands()).toEqual(["ls", "curl https://example.com", "rm -rf /", "whoami"]);
    expect(await commands("--decision", "ALLOW")).toEqual(["ls", "whoami"]);
    expect(await commands("--decision", "ALLOW", "--limit", "1")).toEqual(["ls"]);
    expect(await commands("--limit", "0")).toEqual([]);
    expect(await commands("--rule", "shell-network", "--since", "1h", "--action", "execute_shell")).toEqual(["curl https://example.com"]);
    expect(await commands("--until", "1h")).toEqual([]);
    expect(await commands("--action", "read_file")).toEqual([]);
    expect(await commands("--avid", "AVID-0")).toEqual([]);
    expect(await commands("--trace", "nobody")).toEqual([]);
  });

  it("query counts lines that are no entries, and shows nothing that could trick a terminal", async () => {
    const path = join(await temporaryDirectory(), "audit.log");
    const payload = { command: "ls \u001b[2J\u202e" };
    await writeFile(
      path,
      `{"seq":0,"ts":"2026-01-01T00:00:00Z","type":"decision","action_type":"execute_shell","payload":${JSON.stringify(payload)},"decision":"DENY"}\nrubbish\u001b\n`,
    );
    const { out, err } = await canopy(["audit", "query", path]);
    expect(out).toContain("ls \\u001b[2J\\u{202e}");
    expect(err).toBe("canopy: 1 line is no entry; canopy verify says more\n");
    expect((await canopy(["audit", "tail", path])).out).toContain("is not an entry");
    // The escape itself never gets through.
    expect(out + err).not.toContain("\u001b");
  });

  it("pending lists what was allowed and never ended", async () => {
    const path = await writtenLog();
    const { code, out } = await canopy(["audit", "pending", path]);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^ +\d+ .* ALLOW +execute_shell +whoami +shell-read-only\n1 decision without an outcome, 1 of them asked for by no guarded tool\n$/,
    );
    expect(await canopy(["audit", "pending", path, "--until", "1h"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("nothing is pending") as string,
    });
    const json = await canopy(["audit", "pending", path, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ payload: { command: "whoami" } });
  });

  it("pending does not say that nothing is, where a line cannot be read that might say otherwise", async () => {
    const path = await writtenLog();
    const text = await readFile(path, "utf8");
    await writeFile(
      path,
      text.replace(/^.*whoami.*\n/m, (line) => `?${line.slice(1)}`),
    );
    expect(await canopy(["audit", "pending", path])).toEqual({
      code: 2,
      out: "",
      err: "canopy: 1 line is no entry; canopy verify says more\n",
    });
    await writeFile(path, `${text}rubbish\n`);
    expect(await canopy(["audit", "pending", path])).toMatchObject({
      code: 1,
      err: "canopy: 1 line is no entry; canopy verify says more\n",
    });
  });

  it("reads times as they are written by people and by programs", () => {
    const now = new Date("2026-11-21T12:00:00Z");
    expect(readTime("--since", "90s", now)).toEqual(new Date("2026-11-21T11:58:30Z"));
    expect(readTime("--since", "7d", now)).toEqual(new Date("2026-11-14T12:00:00Z"));
    expect(readTime("--since", "2026-01-31")).toEqual(new Date("2026-01-31T00:00:00Z"));
    expect(readTime("--since", "2026-01-31T10:00+02:00")).toEqual(new Date("2026-01-31T08:00:00Z"));
    for (const text of ["", "2026", "2026-13-01", "5", "-5m", "5 m", "2026-01-31T10:00", "now"])
      expect(() => readTime("--since", text)).toThrow("--since");
  });
});

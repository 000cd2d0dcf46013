import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { openCanopy } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

import { canopy, temporaryDirectory } from "../cli.test.fixture.ts";

interface SignedLog {
  readonly path: string;
  readonly publicKey: string;
  readonly id: string;
}

/** A log whose checkpoints are signed with a key that the command line made. */
async function signedLog(): Promise<SignedLog> {
  const folder = await temporaryDirectory();
  const path = join(folder, "audit.log");
  const made = await canopy(["init", "--audit-key", join(folder, "key"), "--name", "example.com/agents"]);
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^example\.com\/agents\+[0-9a-f]{8}\+\S+\n$/) as string, err: "" });
  await using runtime = await openCanopy({ audit: { path, keyPath: join(folder, "key") } });
  await runtime.authorizeAction({}, "execute_shell", { command: "ls" });
  const { authorizationId } = await runtime.authorizeAction({}, "execute_shell", { command: "rm -rf /" });
  return { path, publicKey: made.out.trim(), id: authorizationId ?? "" };
}

describe("canopy init --audit-key", () => {
  it("overwrites nothing, and says what is wrong in one line", async () => {
    const { path } = await signedLog();
    const key = join(dirname(path), "key");
    const before = await readFile(key, "utf8");
    expect(await canopy(["init", "--audit-key", key])).toMatchObject({ code: 2, err: expect.stringContaining("exists already") as string });
    expect(await readFile(key, "utf8")).toBe(before);
    expect(await canopy(["init"])).toMatchObject({ code: 2, err: expect.stringContaining("there is nobody to ask") as string });
    expect(await canopy(["init", "--audit-key", `${key}2`, "--name", "a b"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("no name for a key") as string,
    });
    const json = await canopy(["init", "--audit-key", `${key}3`, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ file: `${key}3`, public_key: expect.stringContaining("canopy-audit-key/") as string });
  });
});

describe("canopy verify", () => {
  it("says who vouches for what: a key that was named, or the one that the log names", async () => {
    const { path, publicKey } = await signedLog();
    const named = await canopy(["verify", path, "--public-key", publicKey]);
    expect(named).toMatchObject({ code: 0, out: expect.stringContaining("anchored  entries 0 to ") as string });
    expect(named.out).not.toContain("this says little");
    expect((await canopy(["verify", path])).out).toContain("the log itself names this key");
    const keyFile = join(dirname(path), "key.pub");
    await writeFile(keyFile, `${publicKey}\n`);
    // The folder will do for the log, and a file for the key.
    const json = await canopy(["verify", dirname(path), "--public-key", keyFile, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ kind: "valid", anchored: { key: publicKey, trust: "given" }, unanchored: null });
  });

  it("is not content where a key was named and nothing bears its signature", async () => {
    const { path, publicKey } = await signedLog();
    await rm(`${path}.checkpoint`);
    expect(await canopy(["verify", path])).toMatchObject({ code: 0 });
    expect(await canopy(["verify", path, "--public-key", publicKey])).toMatchObject({
      code: 1,
      out: expect.stringContaining("anchored  nothing") as string,
    });
  });

  it("finds a log that was put back, forked or signed by another against a checkpoint that was kept", async () => {
    const { path, publicKey } = await signedLog();
    const kept = join(dirname(path), "kept");
    await writeFile(kept, await readFile(`${path}.checkpoint`));
    const [whole, head] = [await readFile(path, "utf8"), `${path}.head`];
    const against = ["--public-key", publicKey, "--checkpoint", kept];
    expect((await canopy(["verify", path, ...against])).code).toBe(0);
    await writeFile(path, whole.slice(0, whole.lastIndexOf("\n", whole.length - 2) + 1));
    await rm(head);
    expect(await canopy(["verify", path, ...against])).toMatchObject({ code: 1, out: expect.stringContaining("truncated") as string });
    const other = await signedLog();
    expect(await canopy(["verify", other.path, ...against])).toMatchObject({
      code: 1,
      out: expect.stringContaining("bad checkpoint") as string,
    });
    expect(await canopy(["verify", other.path, ...against, "--public-key", other.publicKey])).toMatchObject({
      code: 1,
      out: expect.stringContaining("it is of the log") as string,
    });
  });

  it.each([
    [["--public-key", "a+b"], "is no public key"],
    [["--public-key", "/nowhere/key"], "cannot read `/nowhere/key`"],
    [["--checkpoint", "/nowhere/kept"], "cannot read `/nowhere/kept`"],
    [["--line", "x"], "--line goes with --proof"],
    [["--proof", "x"], "--public-key is missing"],
  ])("%j is refused", async (options, message) => {
    const { path } = await signedLog();
    const { code, err } = await canopy(["verify", ...(options[0] === "--proof" ? [] : [path]), ...options]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) as string });
  });
});

describe("canopy prove", () => {
  it("proves an entry to whoever has its line and the key, and no other line", async () => {
    const { path, publicKey, id } = await signedLog();
    const folder = dirname(path);
    const [proof, line] = [join(folder, "entry.tlog-proof"), join(folder, "line.json")];
    expect(await canopy(["prove", path, "--entry", id, "--out", proof, "--line", line])).toMatchObject({ code: 0, out: "", err: "" });
    expect(await readFile(line, "utf8")).toContain("rm -rf /");
    const check = ["verify", "--proof", proof, "--line", line, "--public-key", publicKey];
    await rm(path);
    expect(await canopy(check)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^proven .*: the line is entry \d+ of canopy-audit\//) as string,
    });
    await appendFile(line, "\n");
    expect((await canopy(check)).code).toBe(0);
    await appendFile(line, " ");
    expect(await canopy(check)).toMatchObject({ code: 1, out: expect.stringContaining("not proven") as string });
    expect(JSON.parse((await canopy([...check, "--json"])).out)).toMatchObject({ kind: "not_proven" });
  });

  it("proves that a log has only grown", async () => {
    const { path, publicKey } = await signedLog();
    const folder = dirname(path);
    const older = join(folder, "older");
    await writeFile(older, await readFile(`${path}.checkpoint`));
    const runtime = await openCanopy({ audit: { path, keyPath: join(folder, "key") } });
    await runtime.authorizeAction({}, "execute_shell", { command: "pwd" });
    await runtime.close();
    const { code, out } = await canopy(["prove", path, "--from", older]);
    expect(code).toBe(0);
    await writeFile(join(folder, "grown"), out);
    expect(await canopy(["verify", "--proof", join(folder, "grown"), "--checkpoint", older, "--public-key", publicKey])).toMatchObject({
      code: 0,
      out: expect.stringContaining("the log has only grown") as string,
    });
  });

  it("refuses what it cannot prove", async () => {
    const { path } = await signedLog();
    expect(await canopy(["prove", path])).toMatchObject({ code: 2 });
    expect(await canopy(["prove", path, "--entry", "1", "--from", "x"])).toMatchObject({ code: 2 });
    expect(await canopy(["prove", path, "--entry", "999"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("is not one of them yet") as string,
    });
    expect(await canopy(["prove", path, "--from", "/nowhere"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("cannot read") as string,
    });
    await writeFile(path, (await readFile(path, "utf8")).replace('"ls"', '"lS"'));
    expect(await canopy(["prove", path, "--entry", "1"])).toMatchObject({ code: 1, err: expect.stringContaining("not the one") as string });
  });
});

describe("canopy audit repair", () => {
  it("tells what it would do, does it when it is told to, and is then content", async () => {
    const { path } = await signedLog();
    const env = { CANOPY_AUDIT_KEY_PATH: join(dirname(path), "key") };
    expect(await canopy(["audit", "repair", path], "", env)).toMatchObject({ code: 0, out: expect.stringContaining("in order") as string });
    const whole = await readFile(path, "utf8");
    await writeFile(path, whole.replace('"ls"', '"lS"'));
    const told = await canopy(["audit", "repair", path], "", env);
    expect(told.code).toBe(1);
    expect(told.out).toMatch(
      /^tampered: was changed.*\nThis would be done:\n {2}1\. move the log's 4 files to `audit\.log\.broken-\d+`.*\n {2}2\. .*\n {2}3\. .*\nNothing was changed\./,
    );
    expect(await readFile(path, "utf8")).toBe(whole.replace('"ls"', '"lS"'));
    expect(await canopy(["audit", "repair", path, "--yes"], "", env)).toMatchObject({
      code: 0,
      out: expect.stringContaining("This was done:") as string,
    });
    expect(await canopy(["verify", path])).toMatchObject({ code: 0 });
    expect(JSON.parse((await canopy(["audit", "repair", path, "--json"], "", env)).out)).toMatchObject({ kind: "nothing", done: false });
    expect(await canopy(["audit", "repair", "/nowhere/audit.log"])).toMatchObject({ code: 2 });
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { entryId } from "../audit/index.ts";
import { parseEntry } from "../audit/read.ts";
import { explainEntry } from "./explain-entry.ts";
import { forge, record, temporaryFolder } from "./replay.test.fixture.ts";

const policy = {
  name: "p.yaml",
  text: `version: 1
extends: [canopy:default]
rules:
  - { id: small, action_type: refund, allow: true, when_all: ["payload.amount < 50"] }
  - { id: quiet, action_type: mail, deny: true, when_all: ['payload.body == "x"'] }
`,
};

async function written(): Promise<{ readonly path: string; readonly seqs: readonly number[] }> {
  const path = join(await temporaryFolder(), "audit.log");
  await record(
    path,
    [
      ["refund", { amount: 20 }],
      ["modify_file", { path: "/etc/passwd", content: "secret" }],
      ["mail", { body: "secret" }],
      ["refund", 1n],
    ],
    { policy },
  );
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  return { path, seqs: [...lines.entries()].filter(([, line]) => line.includes('"type":"decision"')).map(([seq]) => seq) };
}

describe("explaining a recorded decision", () => {
  it("says what is on record, and under the recorded policy which conditions held on what values", async () => {
    const { path, seqs } = await written();
    const explained = await explainEntry(path, seqs[0] ?? 0);
    expect(explained).toMatchObject({
      recorded: { answer: "ALLOW", rules: [{ id: "small" }] },
      isSameEngine: true,
      policyDigest: explained.recorded.policyDigest,
    });
    expect(explained.actions).toMatchObject([{ decision: "ALLOW", considered: [{ outcome: "applies", rule: { id: "small" } }] }]);
  });

  it("explains it under another policy too", async () => {
    const { path, seqs } = await written();
    const other = { name: "q.yaml", text: "version: 1\nrules: [{ id: never, action_type: refund, deny: true }]" };
    expect(await explainEntry(path, seqs[0] ?? 0, other)).toMatchObject({
      recorded: { answer: "ALLOW" },
      actions: [{ decision: "DENY", rules: [{ id: "never" }] }],
    });
  });

  it("takes the id of an entry, and refuses one whose hash is another", async () => {
    const { path, seqs } = await written();
    const seq = seqs[0] ?? 0;
    const entry = parseEntry((await readFile(path, "utf8")).split("\n")[seq] ?? "");
    const id = entry === null ? "" : (entryId(entry) ?? "");
    expect((await explainEntry(path, id)).recorded.seq).toBe(seq);
    await expect(explainEntry(path, `${seq}-${"0".repeat(32)}`)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("explains what is partly redacted as long as no condition asks for that, and says so where one does", async () => {
    const { path, seqs } = await written();
    expect(await explainEntry(path, seqs[1] ?? 0)).toMatchObject({ actions: [{ decision: "DENY", understood: { fact: "path" } }] });
    await expect(explainEntry(path, seqs[2] ?? 0)).rejects.toThrow(
      /^entry \d+ cannot be explained: conditions ask for what is redacted in it$/,
    );
  });

  it.each([
    ["an entry that is not there", 99, "there is no entry 99"],
    ["an entry of another kind", 0, "entry 0 is a `log.opened`, not a decision"],
    ["a number that is none", -1, "neither the number nor the id"],
    ["words", "all", "neither the number nor the id"],
    ["a number too large", "99999999999999999999", "neither the number nor the id"],
  ])("refuses %s", async (_, entry, message) => {
    const { path } = await written();
    await expect(explainEntry(path, entry)).rejects.toThrow(message);
  });

  it("refuses a request that is not on record, and a policy that is not", async () => {
    const { path, seqs } = await written();
    await expect(explainEntry(path, seqs[3] ?? 0)).rejects.toThrow("the request was refused unread");
    await forge(path, (entry) => (entry["type"] === "policy.loaded" ? null : entry));
    await expect(explainEntry(path, seqs[0] ?? 0)).rejects.toThrow("is not on record");
    await forge(path, (entry) => ({ ...entry, policy_digest: null }));
    await expect(explainEntry(path, seqs[0] ?? 0)).rejects.toThrow("no policy in force");
  });
});

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { altered, decision, temporaryLogPath, writtenLog } from "./audit.test.fixture.ts";
import { createAuditKey } from "./audit-key.ts";
import { openAuditLog } from "./audit-log.ts";
import type { AppendedEntry } from "./entry.ts";
import { proveEntry, proveGrowth, verifyEntryProof, verifyGrowthProof } from "./prove.ts";

interface Signed {
  readonly path: string;
  readonly keys: readonly string[];
  readonly entries: readonly AppendedEntry[];
  readonly older: string;
}

/** A log of several segments, with one checkpoint that was kept when it had nine entries. */
async function signedLog(): Promise<Signed> {
  const path = await temporaryLogPath();
  const keyPath = join(dirname(path), "key");
  const keys = [createAuditKey(keyPath)];
  const entries: AppendedEntry[] = [];
  const append = async (count: number): Promise<void> => {
    const log = await openAuditLog({ path, keyPath, segmentBytes: 4096 });
    for (let index = 0; index < count; index += 1) entries.push(await log.append(decision({ trace_id: `t${index}` })));
    await log.close();
  };
  await append(8);
  const older = await readFile(`${path}.checkpoint`, "utf8");
  await append(25);
  return { path, keys, entries, older };
}

test("every entry can be proven by its number or its id, and the proof holds without the log", async () => {
  const { path, keys, entries } = await signedLog();
  for (const { seq, id } of entries) {
    const { proof, line } = await proveEntry(path, seq % 2 === 0 ? seq : id);
    expect(line).toContain(`"seq":${seq},`);
    expect(verifyEntryProof(proof, line, keys)).toMatchObject({ kind: "proven", index: seq, key: keys[0] });
    expect(verifyEntryProof(proof, line.replace("harmless", "harmful!"), keys)).toMatchObject({ kind: "not_proven" });
    expect(verifyEntryProof(proof.replace(`index ${seq}\n`, `index ${seq + 1}\n`), line, keys)).toMatchObject({ kind: "not_proven" });
  }
});

test("a proof has the form of C2SP tlog-proof", async () => {
  const { path } = await signedLog();
  const { proof } = await proveEntry(path, 3);
  const hash = "[A-Za-z0-9+/]{43}=\n";
  expect(proof).toMatch(
    new RegExp(`^c2sp\\.org/tlog-proof@v1\nindex 3\n(?:${hash}){5,6}\ncanopy-audit/[0-9a-f]{32}\n\\d+\n${hash}\n— \\S+ \\S+\n$`),
  );
});

test("that a log has only grown can be proven, and not of one that was written anew", async () => {
  const { path, keys, older } = await signedLog();
  const proof = await proveGrowth(path, older);
  expect(verifyGrowthProof(proof, older, keys)).toMatchObject({ kind: "proven", index: null });
  const other = await signedLog();
  expect(verifyGrowthProof(await proveGrowth(other.path, other.older), older, [...keys, ...other.keys])).toMatchObject({
    kind: "not_proven",
  });
  await expect(proveGrowth(path, other.older)).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
  await expect(proveGrowth(path, "nonsense")).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
});

test("nothing is proven to whoever trusts another key, or by a proof of which any character is another", async () => {
  const { path, keys, older } = await signedLog();
  const strange = [createAuditKey(join(dirname(path), "strange"))];
  const { proof, line } = await proveEntry(path, 5);
  const growth = await proveGrowth(path, older);
  expect(verifyEntryProof(proof, line, strange)).toMatchObject({ kind: "not_proven" });
  expect(verifyGrowthProof(growth, older, strange)).toMatchObject({ kind: "not_proven" });
  for (let at = 0; at < proof.length; at += 1) {
    const changed = proof.slice(0, at) + (proof[at] === "A" ? "B" : "A") + proof.slice(at + 1);
    expect([at, verifyEntryProof(changed, line, keys).kind]).toEqual([at, "not_proven"]);
  }
  for (let at = 0; at < growth.length; at += 1) {
    const changed = growth.slice(0, at) + (growth[at] === "A" ? "B" : "A") + growth.slice(at + 1);
    expect([at, verifyGrowthProof(changed, older, keys).kind]).toEqual([at, "not_proven"]);
  }
  expect(() => verifyEntryProof(proof, line, ["nobody"])).toThrow("no public key");
});

test("nothing can be proven without a checkpoint, of an entry that came after it, or of a log that was changed", async () => {
  const unsigned = await writtenLog(2);
  await expect(proveEntry(unsigned, 1)).rejects.toMatchObject({ code: "AUDIT_LOG_UNAVAILABLE" });
  const { path, entries } = await signedLog();
  await expect(proveEntry(path, 99)).rejects.toThrow("entry 99 is not one of them yet");
  await expect(proveEntry(path, "five")).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  await expect(proveEntry(path, `${entries[1]?.seq}-${"0".repeat(32)}`)).rejects.toThrow("the log holds another there");
  await altered(path, (bytes) => Buffer.from(bytes.toString().replace("harmless", "harmful!")));
  await expect(proveEntry(path, 1)).rejects.toMatchObject({ code: "AUDIT_LOG_BROKEN" });
});

test("any text is read as a proof without a throw", async () => {
  const { path, keys, older } = await signedLog();
  const { proof, line } = await proveEntry(path, 5);
  const piece = fc.constantFrom(...proof.split("\n"), "\n", "\n\n", "old 3\n", "index 0\n", "c2sp.org/tlog-proof@v1\n", older);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece).map((parts) => parts.join("")),
      ),
      (text) => {
        expect(verifyEntryProof(text, line, keys).kind === "proven" && text !== proof).toBe(false);
        verifyGrowthProof(text, older, keys);
        verifyGrowthProof(text, text, keys);
      },
    ),
    { numRuns: 2000 },
  );
});

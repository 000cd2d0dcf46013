import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { altered, linesOf, writtenLog } from "./audit.test.fixture.ts";

/** Runs the last shell block of the page about the log, beside the log. */
async function checkByHand(path: string): Promise<readonly string[]> {
  const page = await readFile(new URL("../../../../docs/audit-log.md", import.meta.url), "utf8");
  const script = [...page.matchAll(/```sh\n([^]*?)```/g)].at(-1)?.[1] ?? "";
  const { stdout } = await promisify(execFile)("sh", ["-c", script], { cwd: dirname(path) });
  return stdout.split("\n");
}

test.skipIf(process.platform !== "linux")("a log can be checked with a shell and sha256sum, as the page about it says", async () => {
  const path = await writtenLog(3);
  const last = /"entry_hash":"([0-9a-f]{64})"\}\n$/.exec(await readFile(path, "utf8"))?.[1];
  expect(await checkByHand(path)).toMatchObject([
    `4 lines, the last with hash ${last}`,
    expect.stringContaining(`"entry_hash":"${last}"`) as string,
    "",
  ]);
  const good = await readFile(path);
  await altered(path, (bytes) => Buffer.from(bytes.toString().replace('"t1"', '"tX"')));
  expect((await checkByHand(path))[0]).toBe("line 3 was changed");
  await altered(path, () => Buffer.concat(linesOf(good).toSpliced(2, 1)));
  expect((await checkByHand(path))[0]).toBe("line 3 does not follow the line before");
});

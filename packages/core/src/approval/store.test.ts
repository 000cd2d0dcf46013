import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { describe, expect, it, onTestFinished } from "vitest";

import { temporaryFolder } from "./approval.test.fixture.ts";
import { createMemoryApprovalStore } from "./memory-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { ApprovalStore, StoredApproval, StoredApprovalState } from "./store.ts";

const hex = (digit: number | string, count: number): string => String(digit).repeat(count).slice(0, count);

function row(changes: Partial<StoredApproval> & { readonly number: number }): StoredApproval {
  const { number, ...rest } = changes;
  return {
    id: `APR-${hex(number, 32)}`,
    origin: "log",
    digest: hex("d", 64),
    action: "{}",
    avid: "AVID-1",
    state: "pending",
    requestedSeq: number,
    requestedHash: hex("e", 64),
    decideBy: 1000,
    ...rest,
  };
}

const stores: readonly [string, () => Promise<ApprovalStore>][] = [
  ["in memory", async () => await Promise.resolve(createMemoryApprovalStore())],
  ["in SQLite", async () => await openSqliteStore(join(await temporaryFolder(), "store.db"))],
];

describe.each(stores)("a store %s", (_name, make) => {
  async function filled(...rows: readonly StoredApproval[]): Promise<ApprovalStore> {
    const store = await make();
    onTestFinished(async () => await store.close());
    for (const each of rows) await store.insert(each);
    return store;
  }

  it("gives back what was put in, and nothing for what was not", async () => {
    const store = await filled(row({ number: 1, action: '{"a":"\u0000ü\u202e"}' }));
    expect(await store.get(row({ number: 1 }).id)).toEqual(row({ number: 1, action: '{"a":"\u0000ü\u202e"}' }));
    expect(await store.get(row({ number: 2 }).id)).toBeNull();
  });

  it("tells of an action what may still matter, and the last that does not, of one log, newest first", async () => {
    const states: readonly StoredApprovalState[] = ["used", "expired", "denied", "pending", "cancelled", "approved", "reserved"];
    const store = await filled(
      ...states.map((state, index) => row({ number: index + 1, state })),
      row({ number: 8, origin: "other" }),
      row({ number: 9, digest: hex("f", 64) }),
    );
    const about = await store.about("log", hex("d", 64));
    expect(about.map(({ requestedSeq, state }) => `${requestedSeq} ${state}`)).toEqual([
      "7 reserved",
      "6 approved",
      "5 cancelled",
      "4 pending",
      "3 denied",
    ]);
    expect((await store.list("log", 2, 5)).map(({ requestedSeq }) => requestedSeq)).toEqual([3, 4, 5, 6, 7]);
    expect((await store.approved("log", 1)).map(({ requestedSeq }) => requestedSeq)).toEqual([7]);
  });

  it("counts and finds what waits by its time", async () => {
    const store = await filled(
      row({ number: 1, decideBy: 10 }),
      row({ number: 2, decideBy: 20 }),
      row({ number: 3, decideBy: 30, avid: "AVID-2" }),
      row({ number: 4, decideBy: 30, state: "denied" }),
    );
    expect(await store.countPending("log", "AVID-1", 9)).toEqual({ all: 3, agent: 2 });
    expect(await store.countPending("log", "AVID-1", 20)).toEqual({ all: 1, agent: 0 });
    expect(await store.countPending("other", "AVID-1", 0)).toEqual({ all: 0, agent: 0 });
    expect((await store.overdue("log", 20, 10)).map(({ requestedSeq }) => requestedSeq)).toEqual([1, 2]);
    expect(await store.overdue("log", 20, 1)).toHaveLength(1);
  });

  it("changes a state only from where it is said to be, and with the token that reserved it", async () => {
    const store = await filled(row({ number: 1 }));
    const { id } = row({ number: 1 });
    expect(await store.change(id, { from: ["approved"], to: "used" })).toBe(false);
    expect(await store.change(id, { from: ["pending", "approved"], to: "reserved", reserve: "mine" })).toBe(true);
    expect([store.isReserved(id, "mine"), store.isReserved(id, "yours"), store.isReserved("x", "mine")]).toEqual([true, false, false]);
    expect(await store.change(id, { from: ["reserved"], token: "yours", to: "used" })).toBe(false);
    expect(await store.change(id, { from: ["reserved"], to: "reserved", reserve: "yours" })).toBe(true);
    expect([store.isReserved(id, "mine"), store.isReserved(id, "yours")]).toEqual([false, true]);
    expect(await store.change(id, { from: ["reserved"], token: "yours", to: "used" })).toBe(true);
    expect(store.isReserved(id, "yours")).toBe(false);
    expect(await store.get(id)).toMatchObject({ state: "used" });
  });

  it("forgets what is long over, and never what may still be used", async () => {
    const store = await filled(
      row({ number: 1, decideBy: 10 }),
      row({ number: 2, decideBy: 10, state: "approved" }),
      row({ number: 3, decideBy: 50 }),
    );
    await store.prune(50);
    expect((await store.list("log", -1, 9)).map(({ requestedSeq }) => requestedSeq)).toEqual([2, 3]);
  });
});

describe("a store in SQLite", () => {
  it("is opened by many at once, also for the first time", async () => {
    const path = join(await temporaryFolder(), "store.db");
    const opened = await Promise.all(Array.from({ length: 8 }, async () => await openSqliteStore(path)));
    await opened[0]?.insert(row({ number: 1 }));
    for (const store of opened) expect(await store.get(row({ number: 1 }).id)).not.toBeNull();
    for (const store of opened) await store.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("refuses rows that Canopy did not write", async () => {
    const path = join(await temporaryFolder(), "store.db");
    const store = await openSqliteStore(path);
    await store.insert(row({ number: 1 }));
    const database = new DatabaseSync(path, { timeout: 2000 });
    database.exec("UPDATE approvals SET requested_seq = -1");
    expect(() => database.exec("UPDATE approvals SET state = 'APPROVED'")).toThrow("CHECK");
    expect(() => database.exec("UPDATE approvals SET requested_seq = 'x'")).toThrow("TEXT value");
    database.close();
    await expect(store.get(row({ number: 1 }).id)).rejects.toMatchObject({ code: "APPROVALS_UNAVAILABLE" });
    await store.close();
  });

  it("is not opened where the file was cut", async () => {
    const path = join(await temporaryFolder(), "store.db");
    await (await openSqliteStore(path)).close();
    await writeFile(path, (await import("node:fs")).readFileSync(path).subarray(0, 5000));
    await expect(openSqliteStore(path).then(async (store) => await store.insert(row({ number: 1 })))).rejects.toMatchObject({
      code: "APPROVALS_UNAVAILABLE",
    });
  });
});

import { expect, test } from "vitest";

import { loadSqlite } from "./sqlite.ts";

test("SQLite is loaded without a word, and the process can warn of other things afterwards", () => {
  const before = Object.getOwnPropertyDescriptor(process, "emitWarning");
  const sqlite = loadSqlite();
  expect(sqlite === undefined ? null : new sqlite.DatabaseSync(":memory:").prepare("SELECT 1 AS one").get()).toEqual({ one: 1 });
  expect(Object.getOwnPropertyDescriptor(process, "emitWarning")).toEqual(before);
});

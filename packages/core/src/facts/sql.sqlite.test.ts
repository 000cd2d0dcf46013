import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyseSql } from "./sql.ts";

const words =
  "SELECT 1 a FROM t WHERE a=1 ; -- /* */ ' \" ` [ ] ( ) AS UNION VALUES(1) EXPLAIN x' '' \\ PRAGMA user_version=5 table_info(t) , * # /*! $$";
const phrases = [
  "\n",
  "\r",
  "DELETE FROM t",
  "UPDATE t SET a=9",
  "INSERT INTO t VALUES(7)",
  "DROP TABLE t",
  "CREATE TABLE z(b)",
  "WITH x AS (",
];
const pieces: readonly string[] = [...words.split(" "), ...phrases];
const query = fc
  .tuple(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 9 }), fc.constantFrom(" ", " ", ""))
  .map(([parts, between]) => parts.join(between));

/** All that a database of one table holds after `run`, by a real SQLite. */
function after(run: string): string {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
  try {
    database.exec(run);
  } catch {
    // What SQLite refuses halfway has run up to there.
  }
  const ask = (sql: string): unknown => {
    try {
      return database.prepare(sql).all();
    } catch {
      return "gone";
    }
  };
  const state = ["SELECT a FROM t", "SELECT name FROM sqlite_master", "PRAGMA user_version"].map(ask);
  database.close();
  return JSON.stringify(state);
}

describe("beside a real SQLite", () => {
  const untouched = after("SELECT 1");

  it("knows its own tools: a change shows", () => {
    expect(after("DELETE FROM t WHERE a = 1")).not.toBe(untouched);
  });

  it("what only reads changes nothing", () => {
    fc.assert(
      fc.property(query, (text) => !analyseSql(text, "sqlite").reads_only || after(text) === untouched),
      { numRuns: 3000 },
    );
  });

  it("what empties or drops the table was destructive or unbounded", () => {
    fc.assert(
      fc.property(query, (text) => {
        if (!/DELETE|DROP/.test(text)) return true;
        const emptied = /^\[(?:\[\]|"gone")/.test(after(text));
        const fact = analyseSql(text, "sqlite");
        return !emptied || fact.destructive === true || fact.unbounded === true;
      }),
      { numRuns: 3000 },
    );
  });
});

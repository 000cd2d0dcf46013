import { words } from "../words.ts";
import type { Cursor } from "./cursor.ts";
import type { Lexis } from "./dialect.ts";
import type { Token } from "./tokens.ts";
import { beforeExpression, functionKind, notCalled, notCalledIn, seldomCalled } from "./functions.ts";

const naming = words("INTO TABLE UPDATE REFERENCES INDEX");
const queries = words("SELECT VALUES TABLE WITH INSERT UPDATE DELETE MERGE REPLACE");
const keyed = words("PRIMARY FOREIGN DUPLICATE UNIQUE");
const beforeTable = words("FROM JOIN INTO UPDATE TABLE COPY TRUNCATE DESCRIBE DESC");
const betweenTable = words("IF NOT EXISTS ONLY LATERAL TABLE IGNORE LOW_PRIORITY OR REPLACE ABORT FAIL ROLLBACK");

/** The functions that are called: names that a bracket follows, and in T-SQL extended procedures wherever they stand. */
export function calls(at: Cursor, lexis: Lexis, creates: boolean): string[] {
  const found = new Set<string>();
  for (let index = 0; index < at.length; index += 1) {
    if (!at.named(index)) continue;
    const written = at.tokens[index]?.text ?? "";
    const name = written.toLowerCase();
    const kind = functionKind(name);
    if (kind === "outside" && lexis.runsOn && /^(?:xp_|sp_)/.test(name)) found.add(name);
    if (!at.symbol(index + 1, "(") || isKeyword(at, index, lexis) || at.word(index - 1, "TABLESAMPLE")) continue;
    if (kind !== "outside" && isGiven(at, index, creates)) continue;
    const schema = at.symbol(index - 1, ".") ? at.name(index - 2) : "pg_catalog";
    // A function of somebody's schema is somebody's function, whatever it is called; and PostgreSQL tells "Count" from count.
    if (kind === "pure" && schema !== "pg_catalog") found.add(`${schema}.${name}`);
    else if (kind === "pure" && lexis.dialect === "postgres" && at.tokens[index]?.kind === "name" && written !== name) found.add(written);
    else found.add(name);
  }
  return [...found];
}

/** Whether the word there is a keyword, so that its bracket makes no call. */
function isKeyword(at: Cursor, index: number, lexis: Lexis): boolean {
  if (at.wordOf(index, notCalled) || at.wordOf(index, notCalledIn[lexis.dialect])) return true;
  if (!at.wordOf(index, seldomCalled)) return false;
  if (at.word(index, "MATERIALIZED") && at.word(index - 1, "NOT") && at.word(index - 2, "AS")) return true;
  const before = at.tokens[index - 1];
  return !(at.wordOf(index - 1, beforeExpression) || (before?.kind === "symbol" && before.text !== ")"));
}

/** Whether the name there is given to something rather than called: an alias, a table with its columns, a query of WITH. */
function isGiven(at: Cursor, index: number, creates: boolean): boolean {
  let first = index;
  while (at.symbol(first - 1, ".")) first -= 2;
  if (at.word(first - 1, "AS") || at.wordOf(first - 1, naming)) return true;
  if (at.symbol(first - 1, ")")) return !isBeforeValue(at, first - 1);
  if (at.word(index, "KEY") && at.wordOf(index - 1, keyed)) return true;
  if (creates && at.word(first - 1, "ON", "EXISTS")) return true;
  return isBeforeQuery(at, at.closing(index + 1) + 1);
}

/** Whether a value follows the bracket that closes there: `DISTINCT ON (a) f(b)`, `1 OPERATOR(+) f(2)`, `TOP (5) f(a)`. */
function isBeforeValue(at: Cursor, close: number): boolean {
  const open = at.opening(close);
  return open < 0 || at.word(open - 1, "ON", "OPERATOR", "TOP", "DISTINCT", "ALL", "SELECT", "INTERVAL");
}

/** `AS (` and a query, with what may stand between; what a function's columns are called may stand there too. */
function isBeforeQuery(at: Cursor, index: number): boolean {
  if (!at.word(index, "AS")) return false;
  if (at.word(index + 1, "MATERIALIZED", "NOT")) return true;
  let first = index + 1;
  while (at.symbol(first, "(")) first += 1;
  return first > index + 1 && at.wordOf(first, queries);
}

/** The tables that are named where tables stand; names that WITH gave are not among them. */
export function tables(at: Cursor): string[] {
  const given = new Set<string>();
  const found = new Set<string>();
  for (let index = 0; index < at.length; index += 1) {
    if (at.named(index) && isBeforeQuery(at, at.symbol(index + 1, "(") ? at.closing(index + 1) + 1 : index + 1)) given.add(at.name(index));
    if (!at.wordOf(index, beforeTable) || isOfCall(at, index)) continue;
    let next = index + 1;
    while (at.wordOf(next, betweenTable)) next += 1;
    while (at.named(next) && !at.wordOf(next, beforeTable)) {
      let name = at.name(next);
      while (at.symbol(next + 1, ".") && next + 2 < at.length) {
        next += 2;
        name += `.${at.name(next)}`;
      }
      next += 1;
      if (!at.symbol(next, "(") || !at.word(index, "FROM", "JOIN")) found.add(name);
      if (at.word(next, "AS")) next += 1;
      if (at.tokens[next]?.kind === "name" || (at.named(next) && at.symbol(next + 1, ","))) next += 1;
      if (!at.symbol(next, ",")) break;
      next += 1;
    }
  }
  return [...found].filter((name) => !given.has(name));
}

/**
 * Whether a table is named as a file would be: by a string, a quoted name with a slash or a file's ending, or a stage. DuckDB, Spark, Drill
 * and Snowflake read files by such names.
 */
export function namesFile(at: Cursor, lexis: Lexis): boolean {
  for (let index = 0; index < at.length; index += 1) {
    if (!at.word(index, "FROM", "JOIN") || isOfCall(at, index)) continue;
    for (let next = index + 1; next < at.length && !at.symbol(next, ")") && !at.wordOf(next, afterTables); next += 1) {
      const stands = at.wordOf(next - 1, beforeTable) || at.symbol(next - 1, ",") || at.symbol(next - 1, ".") || at.symbol(next - 1, "(");
      const token = at.tokens[next];
      if (at.symbol(next, "(") && (!stands || at.wordOf(next + 1, queries))) next = at.closing(next);
      else if (!stands || token === undefined) continue;
      else if (token.text.startsWith("@") || (isQuoted(token) && fileName.test(token.text))) return true;
      // What is a string to MySQL in double quotes is a name to the others.
      else if (token.kind === "string" && lexis.doubleQuoted === "name") return true;
    }
  }
  return false;
}

function isQuoted(token: Token): boolean {
  return token.kind === "name" || token.kind === "string";
}

const afterTables = words("FROM JOIN SELECT WHERE ON USING GROUP ORDER HAVING LIMIT WINDOW UNION EXCEPT INTERSECT SET");
const fileName = /[/\\*]|\.(?:csv|tsv|json\w*|ndjson|parquet|orc|avro|xlsx?|txt|gz|zst|db|duckdb)$/i;

/** FROM inside EXTRACT, TRIM and the like, or after IS DISTINCT, names no table. */
function isOfCall(at: Cursor, index: number): boolean {
  if (!at.word(index, "FROM")) return false;
  if (at.word(index - 1, "DISTINCT")) return true;
  let level = 0;
  for (let back = index - 1; back >= 0 && index - back < 40; back -= 1) {
    level += at.symbol(back, ")") ? 1 : at.symbol(back, "(") ? -1 : 0;
    if (level < 0) return at.word(back - 1, "EXTRACT", "TRIM", "SUBSTRING", "OVERLAY");
  }
  return false;
}

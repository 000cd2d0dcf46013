import { words } from "../words.ts";
import { keepsNothingBack } from "./condition.ts";
import { Cursor } from "./cursor.ts";
import type { Lexis } from "./dialect.ts";
import { functionKind } from "./functions.ts";
import { calls, namesFile, tables } from "./names.ts";
import type { Token } from "./tokens.ts";
import {
  administrative,
  bodies,
  destroyers,
  harmlessDrops,
  lockHints,
  mains,
  queries,
  reachers,
  readPragmas,
  serverSettings,
  sessionVerbs,
  strays,
  writers,
} from "./verbs.ts";

/** What one statement does, as far as its tokens tell. */
export interface Statement {
  /** Its first verb in upper case: `SELECT`, `DELETE`, …; that of what runs for WITH and EXPLAIN ANALYZE. */
  readonly verb: string;
  /** The verbs of all that it runs, those inside WITH included. */
  readonly verbs: readonly string[];
  readonly tables: readonly string[];
  /** Functions that it calls, in lower case, and of these what is not known to only compute or read. */
  readonly functions: readonly string[];
  readonly unknownFunctions: readonly string[];
  /** Takes away data or structure as a whole: DROP, TRUNCATE, … */
  readonly destructive: boolean;
  /** A DELETE or UPDATE that keeps no row back. */
  readonly unbounded: boolean;
  readonly writes: boolean;
  /** Reaches files, programs, other hosts or native code. */
  readonly outside: boolean;
  /** Known to do nothing but read. */
  readonly reads: boolean;
  /** Why not all of it was understood, as a clause; null where it was. */
  readonly unclear: string | null;
}

/** What the statement of these tokens does. Total; in doubt it says that it is not clear. */
export function readStatement(tokens: readonly Token[], lexis: Lexis): Statement {
  const at = new Cursor(tokens);
  const seen: Findings = {
    verbs: [],
    heads: new Set(),
    destructive: false,
    unbounded: false,
    writes: false,
    outside: false,
    reads: false,
    unclear: null,
  };
  head(at, seen, lexis, 0, at.length, 0);
  const creates = seen.verbs[0] === "CREATE";
  const stored = creates && createsCode(at);
  if (!stored) nested(at, seen, lexis);
  if (seen.reads) besidesReading(at, seen, lexis);
  const functions = seen.verbs[0] === "PRAGMA" ? [] : calls(at, lexis, creates);
  const unknownFunctions = functions.filter((name) => functionKind(name) === "unknown");
  if (functions.some((name) => functionKind(name) === "outside")) seen.outside = true;
  if (unknownFunctions.length > 0 && !stored) {
    seen.unclear ??= `it calls \`${unknownFunctions[0]?.slice(0, 60)}\`, which may do more than read`;
  }
  const named = tables(at);
  // T-SQL: the first of four names is that of another server.
  if (lexis.runsOn && named.some((name) => name.split(".").length > 3)) seen.outside = true;
  const { verbs, destructive, unbounded, writes, outside, unclear } = seen;
  return {
    verb: verbs[0] ?? at.text(0),
    verbs: [...new Set(verbs)],
    tables: named,
    functions,
    unknownFunctions,
    destructive,
    unbounded,
    writes,
    outside,
    reads: seen.reads && !writes && !outside && !destructive && unclear === null,
    unclear,
  };
}

/** What was found so far; filled while the tokens are read. */
interface Findings {
  readonly verbs: string[];
  /** Places of words that begin a statement, or stand in one that does not run. */
  readonly heads: Set<number>;
  destructive: boolean;
  unbounded: boolean;
  writes: boolean;
  outside: boolean;
  reads: boolean;
  unclear: string | null;
}

const deepest = 8;
const mostNested = 16;
const analyzes = words("ANALYZE ANALYSE");
const explainWords = words("ANALYZE ANALYSE VERBOSE QUERY PLAN EXTENDED PARTITIONS FORMAT");
const otherKinds = words("TABLE VIEW INDEX DATABASE SCHEMA SEQUENCE TYPE DOMAIN ROLE USER EXTENSION SERVER TABLESPACE LOGIN STATISTICS");
const afterWhere = words("RETURNING ORDER LIMIT OPTION OUTPUT");

/** Reads the statement that begins at `from`, behind brackets that may stand around it. */
function head(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number, depth: number): void {
  let place = from;
  while (at.symbol(place, "(") && place < end) place += 1;
  seen.heads.add(place);
  if (depth > deepest) seen.unclear ??= "statements are nested too deep";
  else if (place >= end || at.tokens[place]?.kind !== "word") seen.unclear ??= "it does not begin with a word";
  else if (at.word(place, "WITH")) withQuery(at, seen, lexis, place, end, depth);
  else if (at.word(place, "EXPLAIN", "DESCRIBE", "DESC")) explain(at, seen, lexis, place, end, depth);
  else if (at.word(place, "PREPARE")) prepare(at, seen, lexis, place, end, depth);
  else simple(at, seen, lexis, place, end);
}

function simple(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number): void {
  const verb = at.text(from);
  seen.verbs.push(verb);
  if (destroyers.has(verb)) seen.destructive = true;
  if (reachers.has(verb)) seen.outside = true;
  if (destroyers.has(verb) || writers.has(verb) || administrative.has(verb)) seen.writes = true;
  if (queries.has(verb)) seen.reads = true;
  else if (verb === "DELETE" || verb === "UPDATE") rows(at, seen, lexis, from, end);
  else if (verb === "ALTER") alter(at, seen, from, end);
  else if (verb === "CREATE") create(at, seen, from, end);
  else if (verb === "COPY") copy(at, seen, from, end);
  else if (verb === "PRAGMA") pragma(at, seen, from, end);
  else if (verb === "VACUUM") {
    seen.writes = true;
    if (at.find(from, end, "INTO") >= 0) seen.outside = true;
  } else if (verb === "SET" && anyOf(at, serverSettings, from + 1, from + 3)) seen.writes = true;
  else if (!seen.writes && !seen.outside && !sessionVerbs.has(verb)) seen.unclear ??= `\`${verb.slice(0, 40)}\` may run anything`;
}

/** Finds what WITH is for: the first verb behind the bracket of a query that it names. */
function withQuery(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number, depth: number): void {
  for (let index = from + 1; index < end; index += 1) {
    if (at.symbol(index, "(")) index = at.closing(index);
    else if (at.symbol(index - 1, ")") && at.wordOf(index, mains)) return head(at, seen, lexis, index, end, depth + 1);
  }
  seen.verbs.push("WITH");
  seen.unclear ??= "what WITH is for was not found";
}

/** EXPLAIN runs what it explains only with ANALYZE; without, it is a read of the plan. */
function explain(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number, depth: number): void {
  let runs = false;
  let index = from + 1;
  // `EXPLAIN (SELECT 1)` has no options, and what it explains stands in the bracket.
  if (at.symbol(index, "(") && !at.wordOf(index + 1, mains) && !at.symbol(index + 1, "(") && !at.word(index + 1, "WITH")) {
    const close = at.closing(index);
    for (let option = index + 1; option < close; option += 1) {
      if (isAnalyze(at, option) && !/^(?:FALSE|OFF|0|NO)$/i.test(at.tokens[option + 1]?.text ?? "")) runs = true;
    }
    index = close + 1;
  }
  while (index < end && (at.wordOf(index, explainWords) || at.symbol(index, "=") || at.symbol(index - 1, "="))) {
    if (at.wordOf(index, analyzes)) runs = true;
    index += 1;
  }
  if (runs) return head(at, seen, lexis, index, end, depth + 1);
  seen.verbs.push("EXPLAIN");
  seen.reads = true;
  // What is only planned does not run: its verbs are no heads, and no stray words either.
  for (let rest = index; rest < end; rest += 1) seen.heads.add(rest);
}

function isAnalyze(at: Cursor, index: number): boolean {
  return at.named(index) && analyzes.has(at.tokens[index]?.text.toUpperCase() ?? "");
}

function prepare(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number, depth: number): void {
  const as = at.find(from, end, "AS");
  if (as >= 0) head(at, seen, lexis, as + 1, end, depth + 1);
  else seen.verbs.push("PREPARE");
  seen.unclear ??= "it prepares a statement to be run later";
}

/** DELETE and UPDATE: bounded by a WHERE that keeps some row back. */
function rows(at: Cursor, seen: Findings, lexis: Lexis, from: number, end: number): void {
  const where = at.find(from, end, "WHERE");
  let stop = where + 1;
  while (stop < end && !at.symbol(stop, ")") && !at.wordOf(stop, afterWhere)) stop = at.symbol(stop, "(") ? at.closing(stop) + 1 : stop + 1;
  if (where < 0 || keepsNothingBack(at.tokens.slice(where + 1, Math.min(stop, end)), lexis.dialect === "mysql")) seen.unbounded = true;
}

function alter(at: Cursor, seen: Findings, from: number, end: number): void {
  if (at.word(from + 1, "SYSTEM")) seen.outside = true;
  for (let index = from + 1; index < end; index += 1) {
    if (at.word(index, "DROP") && !at.wordOf(index + 1, harmlessDrops)) seen.destructive = true;
    if (at.word(index, "TRUNCATE", "DISCARD")) seen.destructive = true;
  }
}

function create(at: Cursor, seen: Findings, from: number, end: number): void {
  if (at.word(from + 1, "OR") && at.word(from + 2, "REPLACE") && at.word(from + 3, "TABLE")) seen.destructive = true;
  if (at.word(from + 1, "ASSEMBLY") || at.find(from, end, "SONAME") >= 0) seen.outside = true;
}

/** COPY moves rows to and from files and programs of the server, save where it is the client's own stream. */
function copy(at: Cursor, seen: Findings, from: number, end: number): void {
  const into = at.find(from, end, "FROM");
  const out = at.find(from, end, "TO");
  if (into >= 0 || out < 0) seen.writes = true;
  if (!at.word(Math.max(into, out) + 1, "STDIN", "STDOUT")) seen.outside = true;
  else if (out >= 0 && into < 0) seen.reads = true;
}

function pragma(at: Cursor, seen: Findings, from: number, end: number): void {
  const name = at.symbol(from + 2, ".") ? from + 3 : from + 1;
  if (readPragmas.has(at.name(name)) && (name + 1 >= end || at.symbol(name + 1, "("))) seen.reads = true;
  else seen.writes = true;
}

/** Statements inside brackets: WITH runs them, and elsewhere they have no business. */
function nested(at: Cursor, seen: Findings, lexis: Lexis): void {
  let left = mostNested;
  for (let index = 1; index < at.length; index += 1) {
    if (!at.symbol(index - 1, "(") || seen.heads.has(index) || !(at.wordOf(index, writers) || at.wordOf(index, destroyers))) continue;
    // A list of columns, `(update, delete)`, or a call, `(replace(x, 1, 2))`, is no statement.
    const next = at.tokens[index + 1];
    if (next === undefined || (next.kind === "symbol" && next.text !== ".")) continue;
    seen.heads.add(index);
    left -= 1;
    if (left < 0) {
      seen.unclear ??= `more than ${mostNested} statements stand in brackets`;
      seen.writes = true;
      seen.unbounded = true;
    } else {
      simple(at, seen, lexis, index, at.closing(index - 1));
    }
  }
}

/** What makes more than a read of a query, wherever in it it stands: a target, locks, variables, files, words of other statements. */
function besidesReading(at: Cursor, seen: Findings, lexis: Lexis): void {
  if (namesFile(at, lexis)) seen.unclear ??= "a table of it is named as a file would be";
  for (let index = 0; index < at.length; index += 1) {
    const next = at.text(index + 1);
    if (at.word(index, "INTO")) {
      seen.writes = true;
      if (next === "OUTFILE" || next === "DUMPFILE") seen.outside = true;
    }
    const locks = (at.word(index, "FOR") && /^(?:UPDATE|SHARE|NO|KEY)$/.test(next)) || (at.word(index, "LOCK") && next === "IN");
    if (locks || (lexis.runsOn && at.wordOf(index, lockHints))) seen.unclear ??= "it takes locks";
    if (at.symbol(index, ":=")) seen.unclear ??= "it sets a variable";
    // A sequence is counted up, in the SQL standard's words and in Oracle's.
    const counts = at.word(index, "NEXT", "PREVIOUS") && next === "VALUE" && at.text(index + 2) === "FOR";
    if (counts || (at.name(index) === "nextval" && at.symbol(index - 1, "."))) seen.unclear ??= "it counts up a sequence";
    // What is no word of other dialects begins a statement in T-SQL, and no semicolon needs to stand before it.
    if (lexis.runsOn && at.wordOf(index, runningOn)) seen.unclear ??= `\`${at.text(index)}\` may begin a statement`;
    if (!at.wordOf(index, strays) || seen.heads.has(index) || at.symbol(index - 1, ".")) continue;
    if (at.symbol(index + 1, "(") && functionKind(at.name(index)) === "pure") continue;
    seen.unclear ??= `\`${at.text(index)}\` stands where no statement begins`;
  }
}

/** Reserved words of T-SQL that begin statements, save those that splitting knows. */
const runningOn = words("REVERT SETUSER WRITETEXT UPDATETEXT READTEXT DUMP LOAD");

/** Whether CREATE makes code that runs later: the first kind of thing that is named is one. */
function createsCode(at: Cursor): boolean {
  for (let index = 1; index < 12; index += 1) {
    if (at.wordOf(index, bodies)) return true;
    if (at.wordOf(index, otherKinds)) return false;
  }
  return false;
}

function anyOf(at: Cursor, of: ReadonlySet<string>, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) if (at.wordOf(index, of)) return true;
  return false;
}

import type { JsonValue } from "../json.ts";
import { isJsonObject, member } from "../json.ts";
import { Effects } from "./effects.ts";
import { bool, int, list, record, string } from "./schema.ts";
import type { FactFunction, RecordType } from "./schema.ts";
import { dialectOf, lexes } from "./sql/dialect.ts";
import type { Dialect } from "./sql/dialect.ts";
import { splitStatements } from "./sql/split.ts";
import { readStatement } from "./sql/statement.ts";
import type { Statement } from "./sql/statement.ts";
import { tokenize } from "./sql/tokens.ts";
import { invalid, open } from "./unknown.ts";
import type { Unknown } from "./unknown.ts";

type Truth = boolean | Unknown;

/** One way in which a server may read a text. A reader by a real parser of a dialect gives the same, so that it can take the place of ours. */
export interface SqlReading {
  readonly statements: readonly Statement[];
  readonly problems: readonly string[];
}

/** What a text does to a database, by every reading that its dialect leaves open. */
export interface SqlFact {
  readonly complete: boolean;
  readonly problems: Effects<string>;
  readonly dialect: string;
  readonly count: number | Unknown;
  readonly single: Truth;
  readonly statements: Effects<SqlStatementFact>;
  readonly verbs: Effects<string>;
  readonly tables: Effects<string>;
  readonly functions: Effects<string>;
  readonly unknown_functions: Effects<string>;
  readonly reads_only: boolean;
  readonly writes: Truth;
  readonly destructive: Truth;
  readonly unbounded: Truth;
  readonly outside: Truth;
  readonly executable_comments: boolean;
}

export interface SqlStatementFact {
  readonly verb: string;
  readonly tables: Effects<string>;
  readonly reads_only: boolean;
  readonly writes: Truth;
  readonly destructive: Truth;
  readonly unbounded: Truth;
  readonly outside: Truth;
}

/** The most characters that are read; what is beyond leaves everything open. */
export const longestQuery = 65_536;

/**
 * Understands `text` as SQL of `dialect`; of every dialect that Canopy reads where none is given. A name that is no known dialect leaves
 * everything open, while what is found by the others still counts. Pure, total and bounded.
 */
export function analyseSql(text: string, dialect?: string): SqlFact {
  const known = dialect === undefined ? null : dialectOf(dialect);
  const readings = readingsOf(text.slice(0, longestQuery), known);
  const problems = new Set(readings.flatMap((reading) => reading.problems));
  if (text.length > longestQuery) problems.add("too_long");
  if (dialect !== undefined && known === null) problems.add("unknown_dialect");
  if (suspicious.test(text)) problems.add("invisible");

  const statements = readings.flatMap((reading) => reading.statements);
  const unclear = statements.find((statement) => statement.unclear !== null)?.unclear ?? null;
  const [problem] = problems;
  const why = problem === undefined ? unclear : `the query cannot be read for sure: ${problem}`;
  const counts = new Set(readings.map((reading) => reading.statements.length));
  const [count = 0] = counts;
  const counted = counts.size === 1 && (problem === undefined || problem === "executable_comments");

  const any = (holds: (statement: Statement) => boolean): Truth => statements.some(holds) || (why === null ? false : open(why));
  const all = (names: (statement: Statement) => readonly string[]): Effects<string> =>
    new Effects([...new Set(statements.flatMap(names))], why);

  return {
    complete: why === null && statements.length > 0,
    problems: new Effects([...problems]),
    dialect: known ?? "",
    count: counted ? count : open(why ?? "it has more statements to some readers than to others"),
    single: counted ? count === 1 : open(why ?? "it has more statements to some readers than to others"),
    statements: new Effects(
      (readings[0]?.statements ?? []).map(statementFact),
      why ?? (counts.size === 1 ? null : "other readers find other statements"),
    ),
    verbs: all((statement) => statement.verbs),
    tables: all((statement) => statement.tables),
    functions: all((statement) => statement.functions),
    unknown_functions: all((statement) => statement.unknownFunctions),
    reads_only: why === null && statements.length > 0 && statements.every((statement) => statement.reads),
    writes: any((statement) => statement.writes),
    destructive: any((statement) => statement.destructive),
    unbounded: any((statement) => statement.unbounded),
    outside: any((statement) => statement.outside),
    executable_comments: problems.has("executable_comments"),
  };
}

function statementFact(statement: Statement): SqlStatementFact {
  const { verb, tables, unclear } = statement;
  const truth = (holds: boolean): Truth => holds || (unclear === null ? false : open(unclear));
  return {
    verb,
    tables: new Effects(tables, unclear),
    reads_only: statement.reads,
    writes: truth(statement.writes),
    destructive: truth(statement.destructive),
    unbounded: truth(statement.unbounded),
    outside: truth(statement.outside),
  };
}

function readingsOf(text: string, dialect: Dialect | null): SqlReading[] {
  return lexes(dialect, text).map((lexis) => {
    const { tokens, problems, executableComments } = tokenize(text, lexis);
    return {
      statements: splitStatements(tokens, lexis).map((statement) => readStatement(statement, lexis)),
      problems: executableComments ? [...problems, "executable_comments"] : [...problems],
    };
  });
}

/** Characters that show a reader of the query another one than the server gets. */
const suspicious = /[\u{061C}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{2069}\u{FEFF}]/u;

const common = {
  reads_only: {
    kind: "field",
    type: bool,
    description: "all of it is known to do nothing but read: no writes, locks, files, or functions that may do more",
  },
  writes: { kind: "field", type: bool, description: "changes data, structure, rights or the server" },
  destructive: {
    kind: "field",
    type: bool,
    description: "takes data or structure away as a whole: DROP, TRUNCATE, ALTER … DROP COLUMN, …",
  },
  unbounded: {
    kind: "field",
    type: bool,
    description: "a DELETE or UPDATE without WHERE, or with one that keeps no row back (1=1, id = id)",
  },
  outside: {
    kind: "field",
    type: bool,
    description: "reaches files, programs, other hosts or native code: COPY … PROGRAM, LOAD_FILE, xp_cmdshell, ATTACH, …",
  },
} as const;

export const sqlStatementRecord: RecordType = {
  name: "SqlStatement",
  description: "What one statement of a query does.",
  members: {
    verb: {
      kind: "field",
      type: string,
      description: "what it does: SELECT, INSERT, …; that of what runs behind WITH and EXPLAIN ANALYZE",
    },
    tables: { kind: "field", type: list(string), description: "the tables that it names" },
    ...common,
  },
};

export const sqlRecord: RecordType = {
  name: "Sql",
  description: "What a query does to a database, by every reading that its dialect leaves open.",
  members: {
    complete: { kind: "field", type: bool, description: "all of it was understood" },
    problems: {
      kind: "field",
      type: list(string),
      description:
        "what could not be read for sure: client_command, control, executable_comments, invisible, odd_sign, odd_space, too_long, too_many_tokens, unknown_dialect, unterminated_comment, unterminated_string",
    },
    dialect: {
      kind: "field",
      type: string,
      description: "postgres, mysql, sqlite or mssql; empty where none of them was named, and all were tried",
    },
    count: { kind: "field", type: int, description: "how many statements it holds" },
    single: { kind: "field", type: bool, description: "it holds exactly one statement" },
    statements: { kind: "field", type: list(record(sqlStatementRecord)), description: "its statements, in order" },
    verbs: { kind: "field", type: list(string), description: "the verbs of all that runs, in upper case; those inside WITH included" },
    tables: { kind: "field", type: list(string), description: "the tables that are named, in lower case where they are not quoted" },
    functions: { kind: "field", type: list(string), description: "the functions that are called" },
    unknown_functions: { kind: "field", type: list(string), description: "of these, what is not known to only compute or read" },
    executable_comments: { kind: "field", type: bool, description: "holds comments that MySQL runs" },
    ...common,
  },
};

/** `sql(payload.query)` or `sql(payload.query, "postgres")`; without a dialect, the payload's, and every dialect where it has none. */
export const sqlFacts: FactFunction = {
  name: "sql",
  description: "Understands a text as SQL.",
  parameters: [
    { name: "query", types: [string] },
    { name: "dialect", types: [string], optional: true },
  ],
  result: sqlRecord,
  analyse: ([text, dialect], { payload }) => {
    if (typeof text !== "string") return invalid("the query is not a string");
    const named: JsonValue | undefined = dialect ?? (isJsonObject(payload) ? member(payload, "dialect") : undefined);
    if (named !== undefined && typeof named !== "string") return invalid("the dialect is not a string");
    return analyseSql(text, named);
  },
};

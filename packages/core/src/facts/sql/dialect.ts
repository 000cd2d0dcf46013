import { unreachable } from "../../unreachable.ts";

/** A dialect that is read by rules of its own. */
export type Dialect = "postgres" | "mysql" | "sqlite" | "mssql";

/** How a dialect splits a text into tokens. */
export interface Lexis {
  readonly dialect: Dialect;
  /** A backslash inside a string takes the next character with it. */
  readonly backslash: boolean;
  readonly doubleQuoted: "name" | "string";
  readonly backticks: boolean;
  readonly brackets: boolean;
  readonly dollarQuotes: boolean;
  /** `E'…'`, `U&'…'`: strings with escapes of their own. */
  readonly prefixedStrings: boolean;
  readonly nestedComments: boolean;
  readonly hashComments: boolean;
  /** `--` begins a comment only before space. */
  readonly dashesNeedSpace: boolean;
  /** What a comment that begins with an exclamation mark is: a comment, or a part of the statement. */
  readonly executableComments: "none" | "comment" | "code";
  /** A new statement needs no semicolon before it. */
  readonly runsOn: boolean;
}

const postgres: Lexis = {
  dialect: "postgres",
  backslash: false,
  doubleQuoted: "name",
  backticks: false,
  brackets: false,
  dollarQuotes: true,
  prefixedStrings: true,
  nestedComments: true,
  hashComments: false,
  dashesNeedSpace: false,
  executableComments: "none",
  runsOn: false,
};

const mysql: Lexis = {
  ...postgres,
  dialect: "mysql",
  backslash: true,
  doubleQuoted: "string",
  backticks: true,
  dollarQuotes: false,
  prefixedStrings: false,
  nestedComments: false,
  hashComments: true,
  dashesNeedSpace: true,
  executableComments: "code",
};

const sqlite: Lexis = {
  ...postgres,
  dialect: "sqlite",
  backticks: true,
  brackets: true,
  dollarQuotes: false,
  prefixedStrings: false,
  nestedComments: false,
};

const mssql: Lexis = { ...postgres, dialect: "mssql", brackets: true, dollarQuotes: false, prefixedStrings: false, runsOn: true };

/** The names that a dialect goes by. */
const names: Readonly<Record<string, Dialect>> = {
  postgres: "postgres",
  postgresql: "postgres",
  pg: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
  sqlite: "sqlite",
  sqlite3: "sqlite",
  mssql: "mssql",
  sqlserver: "mssql",
  tsql: "mssql",
};

/** The dialect of that name, whatever its case, or null for one that is not known. */
export function dialectOf(name: string): Dialect | null {
  const key = name.toLowerCase();
  return Object.hasOwn(names, key) ? (names[key] ?? null) : null;
}

/**
 * Every way in which a server of the dialect may split `text`, by settings that the text does not show: what MySQL makes of backslashes,
 * double quotes and version comments. All of them for a dialect that is not known.
 */
export function lexes(dialect: Dialect | null, text: string): readonly Lexis[] {
  switch (dialect) {
    case "postgres":
      return [postgres];
    case "sqlite":
      return [sqlite];
    case "mssql":
      return [mssql];
    case "mysql": {
      let variants: readonly Lexis[] = [mysql];
      const vary = (change: Partial<Lexis>): void => {
        variants = variants.flatMap((variant) => [variant, { ...variant, ...change }]);
      };
      if (text.includes("\\")) vary({ backslash: false });
      if (text.includes('"')) vary({ doubleQuoted: "name" });
      if (/\/\*M?!/.test(text)) vary({ executableComments: "comment" });
      return variants;
    }
    case null:
      return [postgres, sqlite, mssql, ...lexes("mysql", text)];
    default:
      return unreachable(dialect);
  }
}

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Effects } from "./effects.ts";
import { analyseSql, sqlFacts, sqlRecord, sqlStatementRecord } from "./sql.ts";
import type { RecordType } from "./schema.ts";
import { Unknown } from "./unknown.ts";

function kind(value: unknown): unknown {
  return value instanceof Unknown ? value.kind : value;
}

const ask = (args: readonly unknown[], payload: unknown): unknown =>
  sqlFacts.analyse(args as never, { agentCtx: {}, payload: payload as never });

function answers(record: RecordType, fact: object): boolean {
  return Object.entries(record.members).every(([name, member]) => {
    const value: unknown = Reflect.get(fact, name);
    if (value instanceof Unknown) return value.kind === "open";
    if (member.type.kind === "list") return value instanceof Effects;
    return typeof value === { bool: "boolean", int: "number", string: "string" }[member.type.kind as "bool" | "int" | "string"];
  });
}

describe("what a query says", () => {
  it("names the tables, functions and verbs", () => {
    const fact = analyseSql(
      'WITH a AS (SELECT * FROM logs) SELECT count(*) FROM public.users u, "Orders" o JOIN a ON a.id = u.id WHERE EXISTS (SELECT 1 FROM x)',
      "postgres",
    );
    expect([...fact.tables.items].toSorted()).toEqual(["Orders", "logs", "public.users", "x"]);
    expect(fact.functions.items).toEqual(["count"]);
    expect(fact.verbs.items).toEqual(["SELECT"]);
    expect(fact).toMatchObject({ complete: true, single: true, count: 1, reads_only: true, dialect: "postgres" });
    expect(fact.tables.open).toBeNull();
  });

  it.each([
    ["INSERT INTO t (a) SELECT b FROM s", ["INSERT"], ["s", "t"]],
    ["UPDATE ONLY t SET a = 1 WHERE id = 1", ["UPDATE"], ["t"]],
    ["DELETE FROM t USING s WHERE t.id = s.id", ["DELETE"], ["t"]],
    ["DROP TABLE IF EXISTS a, b.c CASCADE", ["DROP"], ["a", "b.c"]],
    ["WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) INSERT INTO s SELECT * FROM d", ["INSERT", "DELETE"], ["s", "t"]],
    ["COPY t TO STDOUT", ["COPY"], ["t"]],
    ["EXPLAIN ANALYZE DELETE FROM t", ["DELETE"], ["t"]],
    ["EXPLAIN DELETE FROM t", ["EXPLAIN"], ["t"]],
    ['DELETE FROM U&"\\0075sers"', ["DELETE"], ["users"]],
  ])("%s runs %j on %j", (query, verbs, tables) => {
    const fact = analyseSql(query, "postgres");
    expect(fact.verbs.items).toEqual(verbs);
    expect([...fact.tables.items].toSorted()).toEqual(tables);
  });

  it("lists its statements", () => {
    const fact = analyseSql("BEGIN; UPDATE t SET a = 1; SELECT f(); COMMIT", "postgres");
    expect(fact.statements.items.map(({ verb }) => verb)).toEqual(["BEGIN", "UPDATE", "SELECT", "COMMIT"]);
    expect(fact.statements.items.map(({ unbounded }) => kind(unbounded))).toEqual([false, true, "open", false]);
    expect(fact.count).toBe(4);
    expect(fact.unknown_functions.items).toEqual(["f"]);
  });

  it("leaves open what an unclear part may do, and keeps what was found", () => {
    const fact = analyseSql("CALL purge(); DROP TABLE t", "postgres");
    expect(fact.destructive).toBe(true);
    expect(kind(fact.outside)).toBe("open");
    expect(fact.tables.open).not.toBeNull();
    expect(fact.complete).toBe(false);
  });

  it("reaches outside where the first of four names is another server's", () => {
    expect(analyseSql("SELECT * FROM srv.db.dbo.t", "mssql").outside).toBe(true);
    expect(analyseSql("INSERT INTO srv.db..t SELECT 1", "mssql").outside).toBe(true);
    expect(analyseSql("SELECT db.dbo.t.c FROM db.dbo.t JOIN db..u ON u.c = t.c", "mssql").outside).toBe(false);
  });

  it("reads nothing out of nothing", () => {
    for (const empty of ["", " ", ";", "-- x", "/* x */"]) {
      expect(analyseSql(empty, "postgres")).toMatchObject({ count: 0, single: false, complete: false, reads_only: false });
    }
  });
});

describe("readings", () => {
  it("are those that settings of MySQL allow", () => {
    expect(analyseSql('SELECT "a; DROP TABLE x"', "mysql")).toMatchObject({ single: true, reads_only: true });
    const odd = analyseSql("SELECT '\\'; DROP TABLE x; -- '", "mysql");
    expect([odd.destructive, kind(odd.single)]).toEqual([true, "open"]);
    const version = analyseSql("SELECT 1 /*!99999 + 1 */", "mysql");
    expect([version.executable_comments, version.complete, version.count]).toEqual([true, false, 1]);
  });

  it("are those of every dialect where none is named", () => {
    const fact = analyseSql("SELECT 1 /* /* */ ; DROP TABLE x -- */ */");
    expect([fact.dialect, fact.destructive, kind(fact.count)]).toEqual(["", true, "open"]);
  });

  it("of a dialect that is not known are open, and still find what others would", () => {
    expect(analyseSql("SELECT 1", "oracle")).toMatchObject({ complete: false, reads_only: false });
    expect(analyseSql("DROP TABLE x", "__proto__").destructive).toBe(true);
  });

  it("end at the cap, and keep what stands before it", () => {
    const fact = analyseSql(`DROP TABLE x; SELECT '${"a".repeat(70_000)}'`, "postgres");
    expect([fact.destructive, fact.complete, kind(fact.count)]).toEqual([true, false, "open"]);
    expect(analyseSql("(".repeat(70_000), "postgres").complete).toBe(false);
    expect(analyseSql("1,".repeat(30_000), "postgres").complete).toBe(false);
  });
});

describe("the request", () => {
  it("names the dialect, unless the condition does", () => {
    expect(ask(["SELECT 1"], { dialect: "mysql" })).toMatchObject({ dialect: "mysql" });
    expect(ask(["SELECT 1", "sqlite"], { dialect: "mysql" })).toMatchObject({ dialect: "sqlite" });
    expect(ask(["SELECT 1"], {})).toMatchObject({ dialect: "" });
    expect(ask(["SELECT 1"], null)).toMatchObject({ dialect: "" });
  });

  it("gives no query where the arguments are none", () => {
    for (const wrong of [null, 1, true, [], {}]) {
      expect(kind(ask([wrong], {}))).toBe("invalid");
      expect(kind(ask(["SELECT 1", wrong ?? 0], {}))).toBe("invalid");
      expect(kind(ask(["SELECT 1"], { dialect: wrong }))).toBe("invalid");
    }
    expect(kind(ask([], {}))).toBe("invalid");
  });
});

describe("every text", () => {
  const part = fc.constantFrom(
    ..."SELECT DELETE FROM UPDATE t SET a=1 WHERE 1=1 id = ( ) ; -- /* */ /*! ' \" ` [ ] $$ $a$ \\ E' U&' WITH AS EXPLAIN ANALYZE DROP INTO FOR f( , .".split(
      " ",
    ),
    "DELETE FROM",
    "\0",
    "\n",
    "#",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(part, fc.string({ maxLength: 4 })), { maxLength: 20 }).map((parts) => parts.join(" ")),
  );
  const dialect = fc.constantFrom("postgres", "mysql", "sqlite", "mssql", undefined, "other");

  it("gets an answer to every question, of the type that the record says", () => {
    fc.assert(
      fc.property(text, dialect, (query, name) => {
        const fact = analyseSql(query, name);
        return answers(sqlRecord, fact) && fact.statements.items.every((statement) => answers(sqlStatementRecord, statement));
      }),
      { numRuns: 4000 },
    );
  });

  it("that only reads stays one that does not when a statement is added", () => {
    fc.assert(
      fc.property(text, dialect, (query, name) => {
        const fact = analyseSql(query, name);
        if (!fact.reads_only) return true;
        return analyseSql(`${query}\n; DROP TABLE x`, name).destructive === true && !analyseSql(`${query}\n; CALL f()`, name).reads_only;
      }),
      { numRuns: 4000 },
    );
  });

  it("without a dialect is judged no looser than with any", () => {
    fc.assert(
      fc.property(text, (query) => {
        const fact = analyseSql(query);
        return ["postgres", "mysql", "sqlite", "mssql"].every((name) => {
          const one = analyseSql(query, name);
          const guards = (["destructive", "unbounded", "outside", "writes"] as const).every(
            (guard) => one[guard] !== true || fact[guard] === true,
          );
          return guards && (one.reads_only || !fact.reads_only);
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("means the same with comments and case between its words", () => {
    const query = fc.constantFrom(
      "SELECT a FROM t WHERE b = 1",
      "DELETE FROM t WHERE 1 = 1",
      "DROP TABLE t",
      "WITH d AS ( DELETE FROM t ) SELECT 1",
      "UPDATE t SET a = 1 WHERE id = 2",
    );
    const gap = fc.constantFrom(" ", "\n", "/* x */", " /* ' */ ", "-- '\n", "\t", "\f");
    fc.assert(
      fc.property(query, fc.array(gap, { minLength: 20, maxLength: 20 }), fc.boolean(), (plain, gaps, lower) => {
        const mixed = plain.split(" ").map((word, index) => (lower && index % 2 === 0 ? word.toLowerCase() : word));
        const spaced = mixed.map((word, index) => (index === 0 ? word : `${gaps[index] ?? " "}${word}`)).join("");
        const [left, right] = [analyseSql(plain, "postgres"), analyseSql(spaced, "postgres")];
        return (["destructive", "unbounded", "writes", "reads_only", "single"] as const).every((name) => left[name] === right[name]);
      }),
      { numRuns: 1000 },
    );
  });
});

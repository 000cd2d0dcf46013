import { describe, expect, it } from "vitest";
import { analyseSql } from "../sql.ts";

describe("a query that reads", () => {
  it.each([
    ["SELECT DISTINCT ON (id) lower(name) FROM t", "postgres"],
    ["SELECT DISTINCT (a), count(*) FROM t GROUP BY a", "mysql"],
    ["SELECT TOP (5) upper(name) FROM t", "mssql"],
    ["WITH x(a) AS (SELECT 1) SELECT a FROM x", "postgres"],
    ["WITH x(a) AS ((SELECT 1) UNION (SELECT 2)) SELECT a FROM x", "postgres"],
    ["SELECT * FROM json_to_recordset('[]') AS x(a int, b text)", "postgres"],
    ["SELECT * FROM (VALUES (1, 'a')) v(id, name)", "postgres"],
    ["SELECT * FROM json_each('[1]')", "sqlite"],
    ["SELECT * FROM t, json_each(t.a, '$.x')", "sqlite"],
    ["SELECT EXTRACT(YEAR FROM '2020-01-01'::date), trim(both from 'x') FROM t", "postgres"],
    ["SELECT a FROM t WHERE b IS DISTINCT FROM 'x' AND c IN ('y', 'z')", "postgres"],
    ["SELECT a FROM t JOIN u ON t.b = 'x' WHERE f = 'a/b'", "postgres"],
    ['SELECT "a/b" FROM "my.table"', "postgres"],
    ["SELECT next, value FROM t", "mysql"],
  ])("is understood: %s", (query, dialect) => {
    expect(analyseSql(query, dialect)).toMatchObject({ reads_only: true, complete: true });
  });

  it.each([
    ["SELECT DISTINCT ON (id) pg_terminate_backend(5) FROM t", "postgres"],
    ["SELECT DISTINCT ON (id) setval('s', 1) FROM t", "postgres"],
    ["SELECT 1 OPERATOR(pg_catalog.+) nextval('s')", "postgres"],
    ["SELECT DISTINCT (a) sleep(5)", "mysql"],
    ["SELECT TOP (1) dbo.f(x) FROM t", "mssql"],
    ["SELECT interval(3) f(1)", "postgres"],
    ["SELECT * FROM crosstab('DELETE FROM t RETURNING 1') AS (a int)", "postgres"],
    ["SELECT * FROM a, my_purge() AS (a int, b text)", "postgres"],
    ["SELECT * FROM LATERAL my_purge() AS (a int)", "postgres"],
    ["SELECT * FROM ROWS FROM (my_purge() AS (a int))", "postgres"],
    ["SELECT NEXT VALUE FOR dbo.seq", "mssql"],
    ["SELECT NEXT VALUE FOR s", "mysql"],
    ["SELECT s.nextval FROM dual", undefined],
    ["SELECT 1 REVERT", "mssql"],
    ["SELECT 1 SETUSER 'x'", "mssql"],
    ["SELECT 1 WRITETEXT t.c @p 'x'", "mssql"],
    ["SELECT 1 UPDATETEXT t.c @p 0 NULL 'x'", "mssql"],
    ["SELECT * FROM '/etc/passwd'", undefined],
    ["SELECT * FROM/**/'data.csv'", undefined],
    ["SELECT * FROM a, 'data.csv'", undefined],
    ["SELECT * FROM ('data.csv')", undefined],
    ["SELECT * FROM a JOIN (b JOIN 'data.csv') ON true", undefined],
    ["SELECT * FROM csv.`/etc/passwd`", undefined],
    ['SELECT * FROM "data.parquet"', undefined],
    ['SELECT * FROM "s3://b/x"', undefined],
    ["SELECT $1 FROM @stage/file", undefined],
  ])("is not taken for one: %s", (query, dialect) => {
    expect(analyseSql(query, dialect).reads_only).toBe(false);
  });
});

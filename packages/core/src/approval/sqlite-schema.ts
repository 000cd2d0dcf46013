import type { DatabaseSync } from "node:sqlite";

import { CanopyError } from "../errors.ts";

/** In the header of the file, so that no other program's database is taken for a store: `CNPY`. */
const applicationId = 0x434e5059;

/** One step for each version of the schema, from an empty file on; a step that was released is never changed. */
const steps: readonly string[] = [
  `CREATE TABLE approvals (
     id TEXT NOT NULL PRIMARY KEY CHECK (id GLOB 'APR-*' AND length(id) = 36),
     origin TEXT NOT NULL,
     digest TEXT NOT NULL CHECK (length(digest) = 64),
     action TEXT NOT NULL,
     avid TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'reserved', 'denied', 'expired', 'cancelled', 'used')),
     token TEXT,
     requested_seq INTEGER NOT NULL,
     requested_hash TEXT NOT NULL,
     decide_by INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX approvals_by_digest ON approvals (digest, origin, requested_seq);
   CREATE INDEX approvals_by_state ON approvals (state, origin, decide_by);`,
];

/** Brings the database to this version of the schema. Throws `APPROVALS_UNAVAILABLE` where it is a newer Canopy's, or somebody else's. */
export function migrate(database: DatabaseSync, name: string): void {
  if (version(database, name) === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (let from = version(database, name); from < steps.length; from += 1) database.exec(steps[from] ?? "");
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function version(database: DatabaseSync, name: string): number {
  const found = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const tables = Number(database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"]);
  if (owner !== applicationId && (owner !== 0 || tables > 0)) {
    throw new CanopyError("APPROVALS_UNAVAILABLE", `\`${name}\` is a database of another program; choose another path for the approvals`);
  }
  if (found > steps.length) {
    throw new CanopyError(
      "APPROVALS_UNAVAILABLE",
      `\`${name}\` was written by a newer version of Canopy (schema ${found}), which this one does not know`,
    );
  }
  return found;
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

import { words } from "../words.ts";

type Words = ReadonlySet<string>;

/** What CREATE makes of code that is stored and runs later. */
export const bodies: Words = words("FUNCTION PROCEDURE PROC TRIGGER RULE EVENT PACKAGE AGGREGATE OPERATOR LANGUAGE POLICY");

/** The verbs that WITH may be for. */
export const mains: Words = words("SELECT INSERT UPDATE DELETE MERGE VALUES TABLE REPLACE");

export const queries: Words = words("SELECT VALUES TABLE SHOW");
export const writers: Words = words("INSERT UPDATE DELETE MERGE REPLACE UPSERT");

/** Take away data, structure or the server as a whole, or put another in its place. */
export const destroyers: Words = words("DROP TRUNCATE PURGE SHUTDOWN RESTORE");

/** Read or write files, or bring in code or data from elsewhere. */
export const reachers: Words = words("LOAD ATTACH BULK BACKUP RESTORE DUMP INSTALL EXPORT IMPORT");

/** Change the server, its rights or its structure, or hold it up. */
export const administrative: Words = words(`
  CREATE ALTER GRANT REVOKE DENY COMMENT ANALYZE REINDEX CLUSTER OPTIMIZE REPAIR FLUSH LOCK UNLOCK KILL CHECKPOINT NOTIFY RENAME REFRESH
  SECURITY REASSIGN DBCC RECONFIGURE CHANGE STOP INSTALL UNINSTALL CACHE DETACH IMPORT BULK LOAD ATTACH
`);

/** Understood, and of the session alone: neither reads nor writes of data. */
export const sessionVerbs: Words = words(`
  BEGIN START COMMIT ROLLBACK END ABORT SAVEPOINT RELEASE SET RESET USE DISCARD DECLARE FETCH CLOSE MOVE LISTEN UNLISTEN DEALLOCATE PRINT
`);

/** What SET may be followed by when it is no more of the session alone. */
export const serverSettings: Words = words("GLOBAL PERSIST PERSIST_ONLY PASSWORD MASTER SLAVE BINARY REPLICA");

/** Words that begin what is no read, looked for in places where no statement begins. */
export const strays: Words = words(
  "DROP TRUNCATE DELETE UPDATE INSERT ALTER MERGE GRANT REVOKE EXEC EXECUTE SHUTDOWN ATTACH OUTFILE DUMPFILE",
);

/** Pragmas of SQLite that only tell. */
export const readPragmas: Words = words(`
  table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list foreign_key_check database_list collation_list
  function_list module_list pragma_list compile_options integrity_check quick_check
`);

/** What ALTER … DROP may take away without taking data along. */
export const harmlessDrops: Words = words("CONSTRAINT NOT DEFAULT INDEX KEY FOREIGN PRIMARY CHECK IDENTITY EXPRESSION MASKED ATTRIBUTE");

/** Table hints of T-SQL that lock. */
export const lockHints: Words = words("UPDLOCK XLOCK TABLOCK TABLOCKX HOLDLOCK ROWLOCK PAGLOCK");

import { CanopyError } from "../errors.ts";

/** Where the approvals of a log are kept unless the host says otherwise. */
export function defaultStorePath(logPath: string): string {
  return `${logPath}.approvals.db`;
}

/** The store's files: SQLite keeps what is under way beside the database. */
export function storeFiles(file: string): readonly string[] {
  return [file, `${file}-wal`, `${file}-shm`, `${file}-journal`];
}

/** Throws `INVALID_OPTIONS` where the store would be one of the log's own files: an empty one, such as the lock, would become a database. */
export function refuseLogFile(file: string, logPath: string): void {
  const own = ["", ".lock", ".head", ".checkpoint", ".tree"].map((ending) => `${logPath}${ending}`);
  if (own.includes(file))
    throw new CanopyError("INVALID_OPTIONS", `the approvals cannot be kept in \`${file}\`, which is the audit log's own`);
}

/** Where the approvals of a log are kept unless the host says otherwise. */
export function defaultStorePath(logPath: string): string {
  return `${logPath}.approvals.db`;
}

/** The store's files: SQLite keeps what is under way beside the database. */
export function storeFiles(file: string): readonly string[] {
  return [file, `${file}-wal`, `${file}-shm`, `${file}-journal`];
}

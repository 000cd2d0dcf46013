import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { MemorySaver } from "@langchain/langgraph";

/** LangGraph's saver in memory, kept in a file so that another process can go on. For a story; a database is for programs. */
export class FileSaver extends MemorySaver {
  readonly #file: string;

  constructor(file: string) {
    super();
    this.#file = file;
    try {
      const saved = JSON.parse(readFileSync(file, "utf8"), revive) as Pick<MemorySaver, "storage" | "writes">;
      this.storage = saved.storage;
      this.writes = saved.writes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  override async put(...args: Parameters<MemorySaver["put"]>): ReturnType<MemorySaver["put"]> {
    const config = await super.put(...args);
    this.#save();
    return config;
  }

  override async putWrites(...args: Parameters<MemorySaver["putWrites"]>): Promise<void> {
    await super.putWrites(...args);
    this.#save();
  }

  #save(): void {
    const text = JSON.stringify({ storage: this.storage, writes: this.writes }, (_, value: unknown) =>
      value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value,
    );
    writeFileSync(`${this.#file}.new`, text);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function revive(_: string, value: unknown): unknown {
  const base64: unknown = typeof value === "object" && value !== null ? (value as { base64?: unknown }).base64 : undefined;
  return typeof base64 === "string" ? new Uint8Array(Buffer.from(base64, "base64")) : value;
}

import { Runnable } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";

import { guardChunks, guardWork } from "./guard-work.ts";
import type { WorkGuard } from "./guard-work.ts";
import type { RunnableLike } from "./langchain-tool.ts";

/** A runnable behind a guard: whichever way it is run, all of them lead through one of the two functions here. */
export class GuardedRunnable extends Runnable {
  readonly lc_namespace: string[] = ["canopy", "runnables"];
  readonly #inner: RunnableLike;
  readonly #guarded: WorkGuard;

  constructor(inner: RunnableLike, guarded: WorkGuard) {
    super();
    this.#inner = inner;
    this.#guarded = guarded;
  }

  override getName(suffix?: string): string {
    return `${this.#inner.getName?.() ?? super.getName()}${suffix ?? ""}`;
  }

  override async invoke(input: unknown, config?: Partial<RunnableConfig>): Promise<unknown> {
    const ended = await guardWork(this.#guarded, input, config, (args) => this.#inner.invoke(args, config));
    return ended.kind === "ran" ? ended.output : ended.message;
  }

  override async *_streamIterator(input: unknown, config?: Partial<RunnableConfig>): AsyncGenerator {
    yield* guardChunks(this.#guarded, input, config, (args) => this.#inner.transform(only(args), config));
  }
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}

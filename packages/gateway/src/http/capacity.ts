import { overloaded } from "./refusal.ts";

export interface CapacityLimits {
  /** Decisions that may wait at once. */
  readonly inFlight: number;
  /** Bytes of bodies that may be held at once, before they are understood. */
  readonly heldBytes: number;
}

/** Tells the capacity that something goes on after the work it was begun by. */
export type Hold = (straggler: Promise<unknown>) => void;

/** What may wait at once, so that a crowd gets a 503 and not a queue without end. One caller never takes more than half, so that the others get through. */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #places = new Map<string, number>();
  readonly #bytes = new Map<string, number>();
  readonly #waiters: (() => void)[] = [];
  #inFlight = 0;
  #heldBytes = 0;

  constructor(limits: CapacityLimits) {
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get bytes(): number {
    return this.#heldBytes;
  }

  /** Resolves when no work is under way, nor what was left to `hold`. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /**
   * Does `work` in `places` of the places there are, and gives them back when it has ended, and with it whatever it has left to `hold`. Throws a `Refusal`
   * at once where they are not free.
   */
  async run<T>(caller: string, places: number, work: (hold: Hold) => Promise<T>): Promise<T> {
    const own = this.#places.get(caller) ?? 0;
    if (this.#inFlight + places > this.#limits.inFlight) throw overloaded("too many requests are waiting, try again");
    if (own > 0 && own + places > Math.ceil(this.#limits.inFlight / 2)) {
      throw overloaded("too many requests of this caller are waiting, try again");
    }
    add(this.#places, caller, places);
    this.#inFlight += places;
    const stragglers: Promise<unknown>[] = [];
    const release = (): void => {
      add(this.#places, caller, -places);
      this.#inFlight -= places;
      if (this.#inFlight === 0) for (const resolve of this.#waiters.splice(0)) resolve();
    };
    try {
      return await work((straggler) => stragglers.push(straggler));
    } finally {
      if (stragglers.length === 0) release();
      else void Promise.allSettled(stragglers).finally(release);
    }
  }

  holdBytes(caller: string, count: number): void {
    const own = (this.#bytes.get(caller) ?? 0) + count;
    if (this.#heldBytes + count > this.#limits.heldBytes) throw overloaded("too many bytes are waiting, try again");
    if (own > Math.ceil(this.#limits.heldBytes / 2)) throw overloaded("too many bytes of this caller are waiting, try again");
    add(this.#bytes, caller, count);
    this.#heldBytes += count;
  }

  releaseBytes(caller: string, count: number): void {
    add(this.#bytes, caller, -count);
    this.#heldBytes -= count;
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  const sum = (counts.get(key) ?? 0) + count;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

import { overloaded } from "./refusal.ts";

export interface CapacityLimits {
  /** Decisions that may wait at once. */
  readonly inFlight: number;
  /** Bytes of bodies that may be held at once, before they are understood. */
  readonly heldBytes: number;
}

/** What may wait at once, so that a crowd gets a 503 and not a queue without end. One caller never takes more than half, so that the others get through. */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #byCaller = new Map<string, number>();
  #inFlight = 0;
  #bytes = 0;

  constructor(limits: CapacityLimits) {
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Does `work` in `places` of the places there are. Throws a `Refusal` at once where they are not free. */
  async run<T>(caller: string, places: number, work: () => Promise<T>): Promise<T> {
    const own = (this.#byCaller.get(caller) ?? 0) + places;
    if (this.#inFlight + places > this.#limits.inFlight) throw overloaded("too many requests are waiting, try again");
    if (own > Math.max(places, Math.ceil(this.#limits.inFlight / 2)))
      throw overloaded("too many requests of this caller are waiting, try again");
    this.#byCaller.set(caller, own);
    this.#inFlight += places;
    try {
      return await work();
    } finally {
      this.#inFlight -= places;
      const left = (this.#byCaller.get(caller) ?? 0) - places;
      if (left > 0) this.#byCaller.set(caller, left);
      else this.#byCaller.delete(caller);
    }
  }

  holdBytes(count: number): void {
    if (this.#bytes + count > this.#limits.heldBytes) throw overloaded("too many bytes are waiting, try again");
    this.#bytes += count;
  }

  releaseBytes(count: number): void {
    this.#bytes -= count;
  }
}

import { overloaded } from "./refusal.ts";

/** Lets so many in at once, and answers how to leave; leaving twice is leaving once. Throws a `Refusal` while it is full. */
export function openGate(places: number, full: string): () => () => void {
  let inside = 0;
  return () => {
    if (inside >= places) throw overloaded(full);
    inside += 1;
    let isIn = true;
    return () => {
      if (isIn) inside -= 1;
      isIn = false;
    };
  };
}

// Not the global one, which tests put a clock of their own in the place of.
import { setImmediate } from "node:timers";

/**
 * `look`, done once for all who ask about the same path in the same turn of the event loop: under load most requests ask about the same few directories, and
 * all of them about Canopy's own files.
 *
 * INVARIANT: the look begins after every one of them has asked, so that what was so before a request came is never that request's answer.
 */
export function shareLooks<T>(look: (path: string) => Promise<T>): (path: string) => Promise<T> {
  let turn: Turn<T> | null = null;

  function newTurn(): Turn<T> {
    const begins = new Promise<void>((resolve) => {
      setImmediate(() => {
        turn = null;
        resolve();
      });
    });
    return { begins, looks: new Map() };
  }

  return async (path) => {
    const { begins, looks } = (turn ??= newTurn());
    let looking = looks.get(path);
    if (looking === undefined) {
      looking = begins.then(async () => await look(path));
      looks.set(path, looking);
    }
    return await looking;
  };
}

/** Those who have asked since the last looks began. */
interface Turn<T> {
  readonly begins: Promise<void>;
  readonly looks: Map<string, Promise<T>>;
}

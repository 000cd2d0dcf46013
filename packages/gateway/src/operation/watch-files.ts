import { stat } from "node:fs/promises";

/** Looks at files now and then, and calls back when one is another than before; never while the call before is under way. Answers how to stop. */
export function watchFiles(paths: () => Promise<readonly string[]>, changed: () => Promise<void>, everyMs = 1000): () => void {
  let known: string | undefined;
  let isBusy = false;
  async function look(): Promise<void> {
    const states = await Promise.all((await paths()).map(stateOf));
    const now = states.join("\n");
    const isOther = known !== undefined && known !== now;
    known = now;
    if (isOther) await changed();
  }
  function tick(): void {
    if (isBusy) return;
    isBusy = true;
    look()
      .catch(() => undefined)
      .finally(() => {
        isBusy = false;
      });
  }
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${path}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return `${path}:missing`;
  }
}

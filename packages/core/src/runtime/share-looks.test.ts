import { expect, test } from "vitest";

import { shareLooks } from "./share-looks.ts";

function counted(): { readonly look: (path: string) => Promise<string>; readonly seen: string[] } {
  const seen: string[] = [];
  const look = shareLooks(async (path: string) => {
    seen.push(path);
    return await Promise.resolve(`${path} ${seen.length}`);
  });
  return { look, seen };
}

test("looks once for all who ask in one turn, and once for each path", async () => {
  const { look, seen } = counted();
  const asked = [look("/a"), Promise.resolve().then(async () => await look("/a")), look("/b")];
  expect(await Promise.all(asked)).toEqual(["/a 1", "/a 1", "/b 2"]);
  expect(seen).toEqual(["/a", "/b"]);
});

test("looks again for whoever asks once a look has begun, however long it takes", async () => {
  const state = { now: "before" };
  const [begun, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let looks = 0;
  const look = shareLooks(async () => {
    const saw = state.now;
    looks += 1;
    begun.resolve();
    if (looks === 1) await first.promise;
    return saw;
  });
  const early = look("/a");
  await begun.promise;
  state.now = "after";
  const late = look("/a");
  expect(await late).toBe("after");
  first.resolve();
  expect(await early).toBe("before");
});

test("begins after everybody of the turn has asked", async () => {
  const state = { now: "before" };
  const look = shareLooks(async () => await Promise.resolve(state.now));
  const early = look("/a");
  await Promise.resolve();
  state.now = "after";
  const late = look("/a");
  expect(await Promise.all([early, late])).toEqual(["after", "after"]);
});

test("a look that fails fails for all who share it, and for nobody else", async () => {
  let fails = true;
  const look = shareLooks(async () => {
    if (fails) throw new Error("no");
    return await Promise.resolve("yes");
  });
  const results = await Promise.allSettled([look("/a"), look("/a")]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  fails = false;
  expect(await look("/a")).toBe("yes");
});

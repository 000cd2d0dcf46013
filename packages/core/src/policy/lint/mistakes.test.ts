import { describe, expect, it } from "vitest";

import type { JsonObject, JsonValue } from "../../json.ts";
import { lintChecks } from "./catalogue.ts";
import { lint } from "./lint.test.kit.ts";
import { mistakesOfLogic } from "./logic.test.kit.ts";
import { mistakesOfMeaning } from "./meaning.test.kit.ts";

const mistakes = [...mistakesOfLogic, ...mistakesOfMeaning];

/** A member that is null is left out. */
function stripped(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value), (_key, inner: JsonValue) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).filter(([, member]) => member !== null))
      : inner,
  ) as JsonObject;
}

describe("every planted mistake is found by its id and nothing else, and its better form is clean", () => {
  it.each(mistakes)("%s: %s", async (id, _what, wrong, right) => {
    const found = (await lint(stripped(wrong))).filter(({ level, id: other }) => level !== "note" || other === id);
    expect([...new Set(found.map((each) => each.id))]).toEqual([id]);
    for (const each of found) {
      expect(each).toMatchObject({ file: "p.yaml", level: lintChecks[id].level });
      expect(each.better).not.toBeNull();
    }
    expect((await lint(stripped(right))).map((each) => `${each.line}: ${each.id}: ${each.message}`)).toEqual([]);
  });

  it("has a mistake for every check", () => {
    const planted = new Set<string>(mistakes.map(([id]) => id));
    expect(Object.keys(lintChecks).filter((id) => !planted.has(id))).toEqual(["bad-disable", "unused-disable"]);
  });
});

import { expect, test } from "vitest";

import { answer } from "../fakes.test.kit.ts";

const payload = {
  amount: 150,
  half: 2.5,
  huge: 1e300,
  rounded: 2 ** 53,
  name: "Ann",
  none: null,
  empty: "",
  yes: true,
  tags: ["a", "b"],
  mixed: ["a", 5],
  items: [{ price: 5 }, { price: 500 }],
  broken: [{ price: 5 }, { cost: 500 }],
  nested: { deep: { x: 1 } },
  emoji: "💥",
};

/** Condition → its answer over the payload above. Written from the meaning of the CEL specification, stricter where types do not meet. */
const table: Readonly<Record<string, Readonly<Record<string, "true" | "false" | "invalid" | "open">>>> = {
  "compares numbers by value, whatever their types": {
    "payload.amount > 100": "true",
    "payload.amount > 100.0": "true",
    "payload.amount >= 150u": "true",
    "payload.amount == 150.0": "true",
    "payload.amount < 100": "false",
    "payload.half == 2.5": "true",
    "payload.half > 2": "true",
    "payload.huge > 9223372036854775807": "invalid",
    "payload.huge > 100": "true",
    "payload.rounded > 9007199254740992": "invalid",
    "payload.rounded > 100": "true",
    "1 == 1.0": "true",
    "9223372036854775807 > 9223372036854775806": "true",
    "-9223372036854775808 < 0": "true",
    "0xff == 255": "true",
  },
  "compares texts by code point": {
    'payload.name == "Ann"': "true",
    "payload.name == 'Ann'": "true",
    'payload.name != "Bob"': "true",
    'payload.name < "Ao"': "true",
    'payload.emoji > "\uffee"': "true",
    'action_type == "custom"': "true",
    '"a" < "aa"': "true",
  },
  "answers invalid where types do not meet": {
    "payload.name == 5": "invalid",
    "payload.name != 5": "invalid",
    'payload.amount == "150"': "invalid",
    'payload.amount != "150"': "invalid",
    "payload.name > 5": "invalid",
    'payload.tags == "a"': "invalid",
    'payload.yes == "true"': "invalid",
    "payload.yes > 0": "invalid",
    'payload.none == "x"': "invalid",
    "payload.none > 5": "invalid",
    "payload.nested == payload.tags": "invalid",
    "payload.name": "invalid",
    "!payload.name": "invalid",
    "payload.name && true": "invalid",
    "payload.name || false": "invalid",
  },
  "answers invalid for what is missing": {
    "payload.nothing > 5": "invalid",
    "payload.nothing == null": "invalid",
    'payload.nothing == "x"': "invalid",
    'payload.nothing != "x"': "invalid",
    'payload.nothing in ["x"]': "invalid",
    "payload.nested.deep.y == 1": "invalid",
    "payload.nothing.at.all": "invalid",
    "payload.tags[2] == 'c'": "invalid",
    "payload.tags[-1] == 'c'": "invalid",
    "payload.name.x == 1": "invalid",
    'payload.nothing contains "x"': "invalid",
    "size(payload.nothing) == 0": "invalid",
    "payload.nothing.all(x, true)": "invalid",
    "payload.constructor == 1": "invalid",
    "payload.__proto__ == 1": "invalid",
    "payload.nested.toString == 1": "invalid",
  },
  "with the word null asks whether a value that is there is null": {
    "payload.none == null": "true",
    "payload.none != null": "false",
    "payload.name == null": "false",
    "null != payload.name": "true",
    "null == null": "true",
  },
  "follows Kleene": {
    "payload.amount > 100 && payload.nothing > 1": "invalid",
    "payload.amount < 100 && payload.nothing > 1": "false",
    "payload.nothing > 1 && payload.amount < 100": "false",
    "payload.amount > 100 || payload.nothing > 1": "true",
    "payload.nothing > 1 || payload.amount > 100": "true",
    "payload.nothing > 1 || payload.amount < 100": "invalid",
    "!(payload.nothing > 1)": "invalid",
    "!(payload.amount > 100)": "false",
    "!!true": "true",
    "true && true && true": "true",
    'trouble("open").flag && payload.nothing': "invalid",
    'payload.nothing > 1 || trouble("open").flag': "invalid",
    'trouble("open").flag || false': "open",
    'trouble("open").flag && false': "false",
  },
  "asks for presence with has": {
    "has(payload.amount)": "true",
    "has(payload.none)": "true",
    "has(payload.nothing)": "false",
    "!has(payload.nothing)": "true",
    "has(payload.nothing.at.all)": "false",
    "has(payload.nested.deep.x)": "true",
    "has(payload.nested.deep.y)": "false",
    "has(payload.name.x)": "invalid",
    "has(payload.none.x)": "invalid",
    "has(payload.hasOwnProperty)": "false",
    'has(payload["amount"])': "true",
    "has(agent_ctx.team)": "false",
    "has(payload.amount) && payload.amount > 5": "true",
  },
  "looks into lists with in": {
    '"a" in payload.tags': "true",
    '"c" in payload.tags': "false",
    '"a" in payload.mixed': "true",
    '"b" in payload.mixed': "invalid",
    "payload.amount in [1, 150]": "true",
    'payload.name in ["Ann", "Bob"]': "true",
    'payload.name in ["Bob"]': "false",
    'payload.amount in ["150"]': "invalid",
    '"a" in payload.name': "invalid",
    '"deep" in payload.nested': "invalid",
    "payload.name in []": "false",
  },
  "goes through lists": {
    "payload.items.exists(i, i.price > 100)": "true",
    "payload.items.exists(i, i.price > 1000)": "false",
    "payload.broken.exists(i, i.price > 100)": "invalid",
    "payload.broken.exists(i, i.price > 1)": "true",
    "payload.items.all(i, i.price > 1)": "true",
    "payload.items.all(i, i.price > 5)": "false",
    "payload.broken.all(i, i.price > 1)": "invalid",
    "payload.broken.all(i, i.price > 5)": "false",
    "payload.items.exists_one(i, i.price > 100)": "true",
    "payload.items.exists_one(i, i.price > 1)": "false",
    "payload.broken.exists_one(i, i.price > 1)": "invalid",
    "size(payload.items.filter(i, i.price > 100)) == 1": "true",
    "size(payload.broken.filter(i, i.price > 100)) == 1": "invalid",
    "payload.items.map(i, i.price) == [5, 500]": "true",
    "payload.items.map(i, i.price > 5, i.price) == [500]": "true",
    "payload.items.map(i, i.cost)[0] == 5": "invalid",
    "payload.tags.exists(t, payload.tags.all(u, u != t))": "false",
    "payload.tags.exists(t, payload.tags.exists(u, u > t))": "invalid",
    "payload.nested.exists(k, true)": "invalid",
    "payload.name.all(k, true)": "invalid",
    "payload.none.all(k, true)": "invalid",
    "[].all(x, x)": "true",
    "[].exists(x, x)": "false",
  },
  counts: {
    "size(payload.tags) == 2": "true",
    "payload.tags.size() == 2": "true",
    'size(payload.name + "") == 3': "true",
    'size("💥") == 1': "true",
    "size([1, 2, 3]) == 3": "true",
    // Of a value whose type only the request shows, no text passes for a list.
    "size(payload.name) < 10": "invalid",
    "size(payload.nested) < 10": "invalid",
    "size(payload.amount) < 10": "invalid",
  },
  "searches text": {
    'payload.name.startsWith("A")': "true",
    'payload.name.endsWith("n")': "true",
    'payload.name.contains("nn")': "true",
    'payload.name contains "nn"': "true",
    'payload.name contains "x"': "false",
    'payload.name.matches("^A.*n$")': "true",
    'payload.name.matches("^n")': "false",
    'payload.name.matches("(?i)ANN")': "true",
    'payload.amount contains "1"': "invalid",
    'payload.tags contains "a"': "invalid",
    'payload.none.startsWith("x")': "invalid",
    "payload.name.startsWith(payload.empty)": "invalid",
    "payload.name contains payload.empty": "invalid",
    "payload contains payload.empty": "invalid",
    'payload.empty.startsWith("x")': "false",
    "payload.name.startsWith(payload.amount)": "invalid",
    "payload.name contains payload.name": "true",
  },
  "calculates as CEL does": {
    "7 / 2 == 3": "true",
    "-7 / 2 == -3": "true",
    "-7 % 2 == -1": "true",
    "7.0 / 2.0 == 3.5": "true",
    "payload.amount * 2 == 300": "true",
    "payload.half * 2 == 5": "true",
    "payload.half * 2 / 2 == 2.5": "true",
    "payload.amount / 0 == 1": "invalid",
    "1.0 / 0.0 == 1.0": "invalid",
    "9223372036854775807 + 1 > 0": "invalid",
    "-(-9223372036854775807 - 1) > 0": "invalid",
    "9223372036854775807 * 2 > 0": "invalid",
    "payload.huge + 1 > 0": "invalid",
    "2u - 3u == 0u": "invalid",
    "5 - payload.name == 0": "invalid",
    'payload.name + "!" == "Ann!"': "true",
    "payload.name + 1 == 5": "invalid",
    "payload.tags + ['c'] == ['a', 'b', 'c']": "true",
    "-payload.amount == -150": "true",
    "-payload.name == 1": "invalid",
    "1 + 2 * 3 == 7": "true",
    "(1 + 2) * 3 == 9": "true",
  },
  "looks into a list of which not all is known": {
    '"b" in shell("$(y); b").programs': "true",
    '"c" in shell("$(y); b").programs': "open",
  },
  chooses: {
    "payload.yes ? true : false": "true",
    "payload.amount > 200 ? true : false": "false",
    "payload.nothing ? true : true": "true",
    "payload.nothing ? true : false": "invalid",
    'trouble("open").flag ? true : payload.nothing': "invalid",
    'trouble("open").flag ? payload.nothing : true': "invalid",
    'trouble("open").flag ? true : false': "open",
  },
  "compares lists and objects by what they hold": {
    'payload.tags == ["a", "b"]': "true",
    'payload.tags == ["a"]': "false",
    'payload.tags != ["a"]': "true",
    "payload.mixed == payload.tags": "invalid",
    "payload.nested == payload.nested": "true",
  },
  "reads what is indexed": {
    'payload["amount"] == 150': "true",
    'payload.tags[0] == "a"': "true",
    "payload.items[1].price == 500": "true",
    'payload.tags["0"] == "a"': "invalid",
    "payload.nested[payload.name] == 1": "invalid",
    'payload.nested["deep"]["x"] == 1': "true",
  },
};

for (const [sentence, conditions] of Object.entries(table)) {
  test.for(Object.entries(conditions))(`${sentence}: %s is %s`, async ([condition, expected]) => {
    expect(await answer(condition, payload)).toBe(expected);
  });
}

test("between two values whose types only the request shows, order is that of numbers", async () => {
  expect(await answer("payload.a > payload.b", { a: 1500, b: 900 })).toBe("true");
  expect(await answer("payload.a > payload.b", { a: "1500", b: "900" })).toBe("invalid");
});

test("numbers that a reader of JSON may have rounded are not compared with each other", async () => {
  expect(await answer("payload.id == 9007199254740993", { id: 9007199254740992 })).toBe("invalid");
  expect(await answer("payload.id == 5", { id: 9007199254740992 })).toBe("false");
  expect(await answer("payload.a == payload.b", { a: 2 ** 53, b: 2 ** 53 })).toBe("invalid");
});

test("an object that is known to be one is gone through and searched by its keys", async () => {
  const request = { url: "https://a.example", headers: { Cookie: "x" } };
  expect(await answer('"Cookie" in payload.headers', request, {}, "call_external_api")).toBe("true");
  expect(await answer('payload.headers.exists(h, h == "Cookie")', request, {}, "call_external_api")).toBe("true");
  expect(await answer("size(payload.headers) == 1", request, {}, "call_external_api")).toBe("true");
  expect(await answer('payload.headers.Cookie == "x"', request, {}, "call_external_api")).toBe("true");
  expect(await answer('"Cookie" in payload.headers', { ...request, headers: ["Cookie"] }, {}, "call_external_api")).toBe("invalid");
});

test("an agent context in which a known key has another type is invalid, not different", async () => {
  expect(await answer('agent_ctx.env == "production"', {}, { env: "production" })).toBe("true");
  expect(await answer('agent_ctx.env == "production"', {}, { env: ["production"] })).toBe("invalid");
  expect(await answer('"/tmp" in agent_ctx.safe_paths', {}, { safe_paths: "/tmp" })).toBe("invalid");
  expect(await answer("agent_ctx.level > 3", {}, { level: 5 })).toBe("true");
});

test("a condition that looks at too many items is invalid, and another one's answer does not change", async () => {
  const many = { list: Array.from({ length: 200 }, (_, index) => index) };
  expect(await answer("payload.list.exists(a, payload.list.exists(b, payload.list.exists(c, a + b + c < 0)))", many)).toBe("invalid");
  const texts = { long: "x".repeat(60_000), list: Array.from({ length: 9000 }, (_, index) => `y${index}`) };
  expect(await answer("payload.list.exists(a, payload.long contains a)", texts)).toBe("invalid");
  expect(await answer("payload.list.exists(a, payload contains a + 'z')", texts)).toBe("invalid");
  expect(await answer("payload.list.exists(a, !shell(a).complete)", texts)).toBe("invalid");
  expect(await answer("payload.list.all(a, a >= 0) && payload.list.all(a, a < 200)", many)).toBe("true");
});

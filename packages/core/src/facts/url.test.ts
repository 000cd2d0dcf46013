import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../json.ts";
import { Effects } from "./effects.ts";
import { Unknown } from "./unknown.ts";
import { analyseUrl, urlFacts, urlRecord } from "./url.ts";
import type { UrlFact } from "./url.ts";

function kind(value: unknown): unknown {
  return value instanceof Unknown ? value.kind : value;
}

const host = (text: string, patterns: unknown): unknown => kind(analyseUrl(`https://${text}/`).hostIn(patterns as never));

describe("what an address says", () => {
  it("is read into its parts", () => {
    const fact = analyseUrl("https://API.Good.com./a/../b?x=1#y");
    expect(fact).toMatchObject({
      scheme: "https",
      host: "api.good.com",
      port: 443,
      default_port: true,
      path: "/b",
      valid: true,
      deceptive: false,
      credentials: false,
    });
    expect(fact.address_class).toBe("");
    expect(fact.problems.items).toEqual([]);
  });

  it.each([
    ["http://127.1/", "127.0.0.1", "loopback"],
    ["http://0x0a000001/", "10.0.0.1", "private"],
    ["http://100.64.0.1/", "100.64.0.1", "private"],
    ["http://2852039166/", "169.254.169.254", "metadata"],
    ["http://169.254.1.1/", "169.254.1.1", "link_local"],
    ["http://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe", "metadata"],
    ["http://[0:0::1]/", "::1", "loopback"],
    ["http://[::]/", "::", "loopback"],
    ["http://[fd00::1]/", "fd00::1", "private"],
    ["http://[fe80::1]/", "fe80::1", "link_local"],
    ["http://[2002:808:808::]/", "2002:808:808::", "special"],
    ["http://[64:ff9b::8.8.8.8]/", "64:ff9b::808:808", "special"],
    ["http://[2606:4700::1111]/", "2606:4700::1111", "public"],
    ["http://1.1.1.1/", "1.1.1.1", "public"],
    ["http://192.0.2.1/", "192.0.2.1", "special"],
    ["gopher://0177.0.0.1/", "127.0.0.1", "loopback"],
  ])("%s is %s, %s", (text, canonical, address) => {
    const fact = analyseUrl(text);
    expect([fact.host, fact.address_class]).toEqual([canonical, address]);
    expect(fact.internal).toBe(address !== "public");
  });

  it("is open about the host of what cannot be read", () => {
    const fact = analyseUrl("https://");
    expect([kind(fact.host), kind(fact.internal), kind(fact.hostIn("a.com"))]).toEqual(["open", "open", "open"]);
    expect(fact.valid).toBe(false);
    expect(fact.hosts.open).not.toBeNull();
  });

  it("names every host that some client may call", () => {
    expect(analyseUrl("https://api.good.com\\@evil.com/").hosts.items).toEqual(expect.arrayContaining(["api.good.com", "evil.com"]));
    expect(analyseUrl("http://010.1.1.1/").hosts.items).toEqual(expect.arrayContaining(["8.1.1.1", "10.1.1.1"]));
  });

  it("lists the hosts that are written inside it, once and twice encoded", () => {
    const fact = analyseUrl("https://good.com/go/http://a.com/?u=https%3A%2F%2Fb.com%2f&v=http%253a%252f%252f127.0.0.1#//c.com");
    expect(fact.mentioned.items).toEqual(expect.arrayContaining(["a.com", "b.com", "127.0.0.1", "c.com"]));
    expect(fact.mentions_internal).toBe(true);
    expect(analyseUrl("https://good.com/a//b").mentioned.items).toEqual([]);
  });
});

describe("being one of the hosts", () => {
  it("is judged label by label, whatever the spelling", () => {
    expect(host("api.good.com", ["x.com", "API.good.com."])).toBe(true);
    expect(host("api.good.com", "good.com")).toBe(false);
    expect(host("a.b.good.com", "*.good.com")).toBe(true);
    expect(host("good.com", "*.good.com")).toBe(false);
    expect(host("evilgood.com", "*.good.com")).toBe(false);
    expect(host("xn--mnchen-3ya.example", "münchen.example")).toBe(true);
    expect(host("127.0.0.1", "0x7f000001")).toBe(true);
    expect(host("[::1]", "0::1")).toBe(true);
    expect(host("1.0.0.1", "*.0.0.1")).toBe("invalid");
    expect(host("api.good.com", [])).toBe(false);
  });

  it("is invalid for what is no host, unless another one matches", () => {
    for (const wrong of [
      null,
      1,
      {},
      "",
      "*",
      "*.",
      "https://good.com",
      "good.com:443",
      "good.com/x",
      "a.*.com",
      "a@b",
      "a b",
      "%61",
      [1],
      [null],
      ["x.com", ""],
    ]) {
      expect(host("api.good.com", wrong)).toBe("invalid");
    }
    expect(host("api.good.com", ["*", "api.good.com"])).toBe(true);
  });
});

describe("the request", () => {
  it("gives no address where the argument is none", () => {
    for (const wrong of [null, 1, true, [], {}]) expect(kind(urlFacts.analyse([wrong], { agentCtx: {}, payload: {} }))).toBe("invalid");
    expect(kind(urlFacts.analyse([], { agentCtx: {}, payload: null }))).toBe("invalid");
  });

  it("is sent elsewhere by settings inside settings, and by another field of the same name", () => {
    const url = "https://a.com/";
    const routedTo = (rest: Record<string, JsonValue>): unknown => {
      const fact = urlFacts.analyse([url], { agentCtx: {}, payload: { url, ...rest } });
      return fact instanceof Unknown ? fact.kind : (fact as UrlFact).routed_to;
    };
    expect(routedTo({ options: { proxy: "http://b.com" } })).toMatchObject({ items: ["b.com"] });
    expect(routedTo({ args: { config: { baseURL: "https://b.com" } } })).toMatchObject({ items: ["b.com"] });
    expect(routedTo({ URL: "https://b.com" })).toMatchObject({ items: ["b.com"] });
    expect(routedTo({ args: { url: "https://b.com" } })).toMatchObject({ items: ["b.com"] });
    for (const open of [
      { options: { proxy: { host: "b.com" } } },
      { urls: ["https://b.com"] },
      { options: { options: { options: { options: { options: {} } } } } },
    ])
      expect(routedTo(open)).toMatchObject({ open: expect.any(String) as string });
    expect(routedTo({ args: { url, options: { timeout: 5 } }, options: { retry: { limit: 1 } } })).toMatchObject({ items: [], open: null });
  });

  it("is looked through only for its own address", () => {
    const payload = { url: "https://a.com/", headers: { Host: "b.com" }, body: ["see http://c.com", { "//d.com/x": 1 }] };
    const own = urlFacts.analyse(["https://a.com/"], { agentCtx: {}, payload });
    expect(own).toMatchObject({ routed_to: { items: ["b.com"] }, mentioned: { items: ["c.com", "d.com"] } });
    const other = urlFacts.analyse(["https://x.com/"], { agentCtx: {}, payload });
    expect(other).toMatchObject({ routed_to: { items: [], open: null }, mentioned: { items: [], open: null } });
  });

  it("leaves open what is past a cap", () => {
    const body = Array.from({ length: 3000 }, () => "x");
    expect(analyseUrl("https://a.com/", { body }).mentioned.open).not.toBeNull();
    expect(analyseUrl("https://a.com/", { body: "x".repeat(70_000) }).mentioned.open).not.toBeNull();
    const many = Array.from({ length: 100 }, (_item, index) => `http://h${index}.com/`).join(" ");
    expect(analyseUrl("https://a.com/", { body: many }).mentioned.open).not.toBeNull();
  });
});

describe("every text", () => {
  const odd = fc.constantFrom(
    "http:",
    "https://",
    "//",
    "/",
    "\\",
    "@",
    ":",
    "127.0.0.1",
    "[::1]",
    "%2e",
    "%",
    "#",
    "?",
    "\n",
    "。",
    "①",
    "localhost",
    "0x7f",
    "xn--",
    "..",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.webUrl(),
    fc.array(fc.oneof(odd, fc.string()), { maxLength: 10 }).map((parts) => parts.join("")),
  );

  it("gets an answer to every question, of the type that the record says", () => {
    fc.assert(
      fc.property(text, fc.jsonValue(), (url, rest) => {
        const fact = analyseUrl(url, { url, headers: rest as never, body: rest as never, proxy: rest as never });
        return Object.entries(urlRecord.members).every(([name, member]) => {
          const value: unknown = member.kind === "method" ? member.call(fact as never, ["a.com"]) : Reflect.get(fact, name);
          if (value instanceof Unknown) return value.kind === "open";
          if (member.type.kind === "list") return value instanceof Effects;
          return typeof value === { bool: "boolean", int: "number", string: "string" }[member.type.kind as "bool" | "int" | "string"];
        });
      }),
      { numRuns: 3000 },
    );
  });

  it("that is valid goes where the WHATWG reader says, and nowhere else", () => {
    fc.assert(
      fc.property(text, (url) => {
        const fact = analyseUrl(url);
        if (!fact.valid || fact.scheme !== "https") return true;
        return fact.hosts.items.length === 1 && new URL(url).hostname.replaceAll(/[[\]]|\.$/g, "") === fact.host;
      }),
      { numRuns: 3000 },
    );
  });

  it("that spells an IPv4 address which is not public is internal", () => {
    const spelled = fc.tuple(fc.constantFrom(127, 10), fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(4)).map(([a, b, c, d, how]) => {
      const all = ((a * 256 + b) * 256 + c) * 256 + d;
      const spellings = [
        `${a}.${b}.${c}.${d}`,
        `${all}`,
        `0x${all.toString(16)}`,
        `0${all.toString(8)}`,
        `0${a.toString(8)}.0x${b.toString(16)}.${c * 256 + d}`,
      ];
      return spellings[how] ?? "";
    });
    fc.assert(
      fc.property(
        spelled,
        fc.constantFrom("http", "https", "gopher", "ftp", "ws"),
        (address, scheme) => analyseUrl(`${scheme}://${address}/`).internal === true,
      ),
      { numRuns: 1000 },
    );
  });
});

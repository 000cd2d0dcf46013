import { expect, it } from "vitest";

import { refusedAtTheDoor } from "./door.ts";
import type { Knock } from "./door.ts";

const hosts = new Set(["gateway.example", "127.0.0.1:8080"]);

function knock(changes: Partial<Knock>): number | undefined {
  const headers = { host: "gateway.example" };
  return refusedAtTheDoor({ method: "GET", url: "/healthz", rawHeaders: ["Host", "gateway.example"], headers, ...changes }, hosts)?.status;
}

it("lets in what asks for an address of ours under a name of ours", () => {
  for (const host of ["gateway.example", "GATEWAY.example:9999", "127.0.0.1:8080"]) expect(knock({ headers: { host } })).toBeUndefined();
  expect(knock({ url: "/.well-known/authzen-configuration" })).toBeUndefined();
  expect(knock({ url: "/audit?type=decision" })).toBeUndefined();
});

it("keeps out another name, or another port where the list says one", () => {
  for (const host of ["evil.example", "127.0.0.1", "127.0.0.1:80", "gateway.example.evil", "gateway.example:", "a@gateway.example", ""]) {
    expect([host, knock({ headers: { host } })]).toEqual([host, 421]);
  }
  expect(knock({ headers: {} })).toBe(421);
});

it("keeps out an address that two programs could read differently, or that is very long", () => {
  for (const url of ["//healthz", "/a/../b", "/a%2fb", "/a\\b", "/a;b", "http://gateway.example/healthz", "*", "", "/.git", "/a?\u00e9"]) {
    expect([url, knock({ url })]).toEqual([url, 404]);
  }
  const [long, longer] = [4096, 4097].map((length) => "/audit?".padEnd(length, "x"));
  expect([knock({ url: long }), knock({ url: longer })]).toEqual([undefined, 404]);
});

it("keeps out a second opinion on what counts once, in any spelling", () => {
  for (const name of ["Authorization", "HOST", "content-length", "Traceparent"]) {
    expect([name, knock({ rawHeaders: [name, "a", "Accept", "b", name.toLowerCase(), "a"] })]).toEqual([name, 400]);
  }
  expect(knock({ rawHeaders: ["Accept", "a", "Accept", "b"] })).toBeUndefined();
});

it("keeps out web pages, bodies that are encoded, and a body where none belongs", () => {
  const host = "gateway.example";
  expect(knock({ headers: { host, origin: "null" } })).toBe(403);
  expect(knock({ headers: { host, "content-encoding": "gzip" } })).toBe(415);
  expect(knock({ headers: { host, "content-length": "1" } })).toBe(400);
  expect(knock({ headers: { host, "transfer-encoding": "chunked" } })).toBe(400);
  expect(knock({ method: "POST", headers: { host, "content-length": "1" } })).toBeUndefined();
});

import { describe, expect, it } from "vitest";
import { analyseUrl } from "../url.ts";

const url = "https://api.example.com/v1";

describe("a payload", () => {
  it.each([
    { Headers: { Host: "evil.example" } },
    { header: { Host: "evil.example" } },
    { options: { headers: { Host: "evil.example" } } },
    { args: { headers: { host: "evil.example" } } },
    { axios_config: { baseURL: "http://evil.example" } },
    { agent: { proxy: "http://evil.example" } },
    { dispatcher: { uri: "http://evil.example" } },
    { base_uri: "https://evil.example/" },
    { api_host: "evil.example" },
    { port: 8443 },
    { protocol: "http:" },
    { options: { port: "80" } },
    { Headers: "Host: evil.example" },
  ])("may send the call elsewhere: %j", (more) => {
    expect(analyseUrl(url, { url, ...more }).hostIn("api.example.com")).not.toBe(true);
  });

  it.each([
    { headers: { accept: "application/json" }, method: "GET" },
    { options: { headers: { accept: "application/json" }, timeout: 5 } },
    { args: { url, headers: { accept: "application/json" } } },
    { port: 443, protocol: "https:" },
    { port: "443", scheme: "https" },
  ])("leaves it where it is: %j", (more) => {
    expect(analyseUrl(url, { url, ...more }).hostIn("api.example.com")).toBe(true);
  });

  it("may hold a line break in headers inside of settings", () => {
    expect(analyseUrl(url, { url, options: { headers: { "X-A": "a\r\nHost: evil.example" } } }).deceptive).toBe(true);
  });
});

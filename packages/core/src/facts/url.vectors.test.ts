import { describe, expect, it } from "vitest";
import type { Decision } from "../policy/decision.ts";
import { Unknown } from "./unknown.ts";
import { urlFacts } from "./url.ts";
import type { UrlFact } from "./url.ts";
import { and, labelled, labelledContext, not, verdict } from "./verdict.test.support.ts";
import type { Rule } from "./verdict.test.support.ts";

/** The rules over calls that a careful policy has, condition by condition. */
function rules(url: UrlFact, safeHosts: readonly string[]): Rule[] {
  return [
    { id: "deny-api-internal", decision: "DENY", when: url.internal },
    { id: "deny-api-deceptive", decision: "DENY", when: url.deceptive },
    { id: "deny-api-scheme", decision: "DENY", when: url.unsafe_scheme },
    { id: "ask-api-odd", decision: "REQUIRE_APPROVAL", when: not(url.valid) },
    { id: "allow-api-safe", decision: "ALLOW", when: and(url.scheme === "https", url.default_port, url.hostIn(safeHosts)) },
  ];
}

function judge(url: string, rest: Record<string, unknown> = {}): Decision {
  const fact = urlFacts.analyse([url], { agentCtx: {}, payload: { url, ...(rest as Record<string, string>) } });
  return fact instanceof Unknown ? "DENY" : verdict(rules(fact as UrlFact, labelledContext.safe_hosts));
}

describe("the labelled addresses", () => {
  it.each(labelled("url").map((line) => ({ ...line, shown: String(line["url"]).slice(0, 80) })))(
    "$id: $shown ($why)",
    ({ acceptable, ...line }) => {
      expect(acceptable).toContain(judge(String((line as Record<string, unknown>)["url"])));
    },
  );
});

// What else the same classes hold: the address, and the answers that are right.
const own: readonly (readonly [string, ...Decision[]])[] = [
  ["https://api.good.com", "ALLOW"],
  ["https://api.good.com:443/v1?x=1&y=%20#z", "ALLOW"],
  ["HTTPS://Api.Good.Com/v1", "ALLOW"],
  ["https://api.good.com/users/@me", "ALLOW"],
  ["https://api.good.com/v1?email=a@b.com", "ALLOW"],
  ["https://api.good.com/v1/a%2fb/../c", "ALLOW"],
  ["https://api.good.com/v1?x=a\\b", "ALLOW"],
  ["https://api.good.com/ü", "ALLOW"],
  ["https://x.cdn.good.com/a.png", "ALLOW"],
  ["https://api.good.com?x=http://evil.com", "ALLOW"],
  ["wss://api.good.com/", "REQUIRE_APPROVAL"],
  ["https://api.good.com:80/", "REQUIRE_APPROVAL"],
  ["https://api.good.com:/", "ALLOW"],
  ["https://api.good.com?@evil.com", "REQUIRE_APPROVAL"],
  ["https://api.good.com#@evil.com/", "REQUIRE_APPROVAL"],
  ["https://api.good.com /", "REQUIRE_APPROVAL", "DENY"],
  ["https://api.good.com/a b", "REQUIRE_APPROVAL"],
  [" https://api.good.com/ ", "REQUIRE_APPROVAL"],
  ["https://api.good.com/\n", "REQUIRE_APPROVAL"],
  ["https://api.good.com/\tx", "DENY"],
  ["ht\ntps://api.good.com/", "DENY"],
  ["https://api.good.com\u0000.evil.com/", "DENY"],
  ["https://api.good.com\u200b.evil.com/", "DENY"],
  ["https://api.good.com\u00ad/", "DENY"],
  ["https://api.goоd.com/", "REQUIRE_APPROVAL"],
  ["https://münchen.example/", "REQUIRE_APPROVAL"],
  ["https://api.good.com．evil.com/", "DENY"],
  ["https://ａpi.good.com/", "DENY"],
  ["https://evil.com／.api.good.com/", "DENY"],
  ["https://user@api.good.com/", "DENY"],
  ["https://user:pass@api.good.com/", "DENY"],
  ["https://api.good.com%40evil.com/", "DENY"],
  ["https://api%2egood.com/", "DENY"],
  ["https://a@api.good.com:1@evil.com/", "DENY"],
  ["https:api.good.com", "DENY"],
  ["https:///api.good.com/", "DENY"],
  ["https:\\\\api.good.com\\", "DENY"],
  ["https://evil.com\\.api.good.com/", "DENY"],
  ["https:/\\api.good.com", "DENY"],
  ["//api.good.com/", "REQUIRE_APPROVAL"],
  ["api.good.com/v1", "REQUIRE_APPROVAL"],
  ["/v1/users", "REQUIRE_APPROVAL", "DENY"],
  ["", "REQUIRE_APPROVAL"],
  ["https://api.good.com.evil.com/", "REQUIRE_APPROVAL"],
  ["https://api-good.com/", "REQUIRE_APPROVAL"],
  ["https://good.com/", "REQUIRE_APPROVAL"],
  ["https://xcdn.good.com/", "REQUIRE_APPROVAL"],
  ["https://cdn.good.com./", "REQUIRE_APPROVAL"],
  ["https://api.good.com../", "REQUIRE_APPROVAL"],
  ["https://.cdn.good.com/", "REQUIRE_APPROVAL"],
  ["https://x..cdn.good.com/", "REQUIRE_APPROVAL"],
  ["https://../", "REQUIRE_APPROVAL"],
  ["https://{api.good.com,evil.com}/", "REQUIRE_APPROVAL"],
  ["https://api.good.com,evil.com/", "REQUIRE_APPROVAL"],
  ["https://api.good.com%00.evil.com/", "DENY"],
  ["http:127.0.0.1/", "DENY"],
  ["user:pass@127.0.0.1", "DENY"],
  ["https://8.8.8.8/", "REQUIRE_APPROVAL"],
  ["https://134744072/", "REQUIRE_APPROVAL"],
  ["https://[2606:4700::1111]/", "REQUIRE_APPROVAL"],
  ["http://localhost/", "DENY"],
  ["http://LOCALHOST:3000/", "DENY"],
  ["http://localhost./", "DENY"],
  ["http://foo.localhost/", "DENY"],
  ["localhost:8080/admin", "DENY"],
  ["//localhost/x", "DENY"],
  ["169.254.169.254/latest/meta-data", "DENY"],
  ["127.0.0.1:6379", "DENY"],
  ["http://metadata.google.internal/computeMetadata/v1/", "DENY"],
  ["http://metadata/", "DENY"],
  ["http://instance-data.ec2.internal/", "DENY"],
  ["http://kubernetes.default.svc/", "DENY"],
  ["http://x.svc.cluster.local/", "DENY"],
  ["http://host.docker.internal:2375/", "DENY"],
  ["http://printer.local/", "DENY"],
  ["http://router.lan/", "DENY"],
  ["http://169.254.169.254.nip.io/", "DENY"],
  ["http://7f000001.nip.io/", "DENY"],
  ["http://10.0.0.1.evil.com/", "DENY"],
  ["http://localtest.me/", "DENY"],
  ["http://127.0.0.2/", "DENY"],
  ["http://127.0.1/", "DENY"],
  ["http://0x7f.1/", "DENY"],
  ["http://017700000001/", "DENY"],
  ["http://0x7F.0x0.0x0.0x1/", "DENY"],
  ["http://127.0.0.1./", "DENY"],
  ["http://0.0.0.0:8000/", "DENY"],
  ["http://010.0.0.1/", "DENY"],
  ["http://0000012.8.8.8/", "DENY"],
  ["http://１２７.0.0.1/", "DENY"],
  ["http://127。0。0。1/", "DENY"],
  ["http://127%2e0%2e0%2e1/", "DENY"],
  ["http://3232235777/", "DENY"],
  ["http://192.168.1.1/", "DENY"],
  ["http://172.31.255.255/", "DENY"],
  ["http://172.32.0.1/", "REQUIRE_APPROVAL"],
  ["http://168.63.129.16/", "DENY"],
  ["http://192.0.0.192/", "DENY"],
  ["http://169.254.170.2/v2/credentials", "DENY"],
  ["http://224.0.0.1/", "DENY"],
  ["http://255.255.255.255/", "DENY"],
  ["http://198.18.0.1/", "DENY"],
  ["http://[::ffff:127.0.0.1]/", "DENY"],
  ["http://[::ffff:7f00:1]/", "DENY"],
  ["http://[0:0:0:0:0:ffff:a00:1]/", "DENY"],
  ["http://[::ffff:0:127.0.0.1]/", "DENY"],
  ["http://[fe80::1]/", "DENY"],
  ["http://[fe80::1%25eth0]/", "DENY"],
  ["http://[fe80::1%eth0]/", "DENY"],
  ["http://[fc00::1]/", "DENY"],
  ["http://[fec0::1]/", "DENY"],
  ["http://[ff02::1]/", "DENY"],
  ["http://[64:ff9b:1::a9fe:a9fe]/", "DENY"],
  ["http://[2001:0:0:0:0:0:80ff:fffe]/", "DENY"],
  ["http://[fe80::5efe:127.0.0.1]/", "DENY"],
  ["http://[2001:470:1::5efe:10.0.0.1]/", "DENY"],
  ["http://[2001:db8::1]/", "DENY"],
  ["http://[fd20:ce::254]/", "DENY"],
  ["http://[::1]:80@evil.com/", "DENY"],
  ["FILE:/etc/passwd", "DENY"],
  ["file://localhost/etc/passwd", "DENY"],
  ["URL:file:///etc/passwd", "DENY"],
  ["<file:///etc/passwd>", "DENY"],
  [" javascript:alert(1)", "DENY"],
  ["java\nscript:alert(1)", "DENY"],
  ["data:text/html,x", "DENY"],
  ["http+unix://%2fvar%2frun%2fdocker.sock/info", "DENY"],
  ["jar:http://evil.com!/x", "DENY"],
  ["view-source:file:///etc/passwd", "DENY"],
  ["gopher://evil.com/_x", "DENY"],
  ["dict://127.0.0.1:11211/stat", "DENY"],
  ["ldap://10.0.0.1/", "DENY"],
  ["ldap://evil.com/", "REQUIRE_APPROVAL"],
  ["ftp://127.1/", "DENY"],
  ["sftp://0x7f000001/", "DENY"],
  ["smb://evil.com/x", "REQUIRE_APPROVAL"],
  ["mailto:a@b.com", "REQUIRE_APPROVAL"],
  ["http://[::1", "REQUIRE_APPROVAL", "DENY"],
  ["https://api.good.com:99999/", "REQUIRE_APPROVAL"],
  ["https://api.good.com:-1/", "REQUIRE_APPROVAL"],
  [`http://127.0.0.1/${"a".repeat(9000)}`, "DENY"],
  [`https://api.good.com/${"a".repeat(9000)}`, "REQUIRE_APPROVAL"],
];

describe("more addresses of the same kinds", () => {
  it.each(own.map(([url, ...acceptable]) => ({ url, acceptable, shown: JSON.stringify(url.slice(0, 80)) })))(
    "$shown",
    ({ url, acceptable }) => {
      expect(acceptable).toContain(judge(url));
    },
  );
});

const safe = "https://api.good.com/v1";
const routed: readonly (readonly [Record<string, unknown>, ...Decision[]])[] = [
  [{ method: "POST", headers: { "content-type": "application/json" }, body: { url: "http://localhost/" } }, "ALLOW"],
  [{ headers: { Host: "api.good.com" } }, "ALLOW"],
  [{ headers: { host: "API.good.com:443" } }, "ALLOW"],
  [{ headers: { Referer: "http://evil.com/" } }, "ALLOW"],
  [{ headers: { Host: "evil.com" } }, "REQUIRE_APPROVAL"],
  [{ headers: { host: "169.254.169.254" } }, "DENY"],
  [{ headers: { "X-Forwarded-Host": "127.1" } }, "DENY"],
  [{ headers: { Forwarded: 'for=1.2.3.4;host="localhost:80"' } }, "DENY"],
  [{ headers: { "X-Original-URL": "/admin" } }, "ALLOW", "REQUIRE_APPROVAL"],
  [{ headers: { "X-Rewrite-URL": "http://10.0.0.1/" } }, "DENY"],
  [{ headers: { "x-a": "1\r\nHost: evil.com" } }, "DENY"],
  [{ headers: { "x-a: 1\r\nHost": "evil.com" } }, "DENY"],
  [{ headers: { host: 1 } }, "REQUIRE_APPROVAL"],
  [{ headers: ["Host: evil.com"] }, "REQUIRE_APPROVAL"],
  [{ headers: { host: ["api.good.com", "evil.com"] } }, "REQUIRE_APPROVAL"],
  [{ baseURL: "http://127.0.0.1" }, "DENY"],
  [{ proxy: "http://evil.com:8080" }, "REQUIRE_APPROVAL"],
  [{ proxy: { host: "10.0.0.1" } }, "REQUIRE_APPROVAL"],
  [{ proxy: false }, "ALLOW"],
  [{ socketPath: "/var/run/docker.sock" }, "REQUIRE_APPROVAL"],
  [{ args: { base_url: "http://10.0.0.1" } }, "DENY"],
  [{ args: { url: "https://api.good.com/v1" } }, "ALLOW"],
];

describe("what goes along with a safe address", () => {
  it.each(routed.map(([rest, ...acceptable]) => ({ rest, acceptable, shown: JSON.stringify(rest) })))("$shown", ({ rest, acceptable }) => {
    expect(acceptable).toContain(judge(safe, rest));
  });
});

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createChecker } from "@canopy-runtime/core";
import type { AgentContext, Decision } from "@canopy-runtime/core";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = globSync("policies/**/*.yaml", { cwd: root }).toSorted();

describe.each(files)("%s", (file) => {
  it("loads without a warning, which its examples are part of, and every rule has some", async () => {
    const policy = await createChecker({ policy: `${root}${file}` }).policy();
    expect(policy.warnings).toEqual([]);
    const text = readFileSync(`${root}${file}`, "utf8");
    expect(text.match(/^ +examples:$/gm)?.length).toBe(text.match(/^ +- id:/gm)?.length);
  });

  it("is in the list of the folder", () => {
    expect(readFileSync(`${root}policies/README.md`, "utf8")).toContain(`(${file.replace("policies/", "")})`);
  });
});

const cases: readonly (readonly [file: string, agent: AgentContext, action: string, payload: object, decision: Decision])[] = [
  ["forms/rules", { env: "production" }, "execute_shell", { command: "rm  -rf build" }, "DENY"],
  ["forms/rules", { env: "dev" }, "execute_shell", { command: "rm -rf build" }, "REQUIRE_APPROVAL"],
  ["forms/rules", {}, "execute_shell", { command: "rm -rf build" }, "DENY"],
  ["forms/rules", {}, "call_external_api", { url: "https://example.com" }, "REQUIRE_APPROVAL"],
  ["forms/sections", { env: "production" }, "execute_shell", { command: "rm -rf build" }, "REQUIRE_APPROVAL"],
  ["forms/shorthand", {}, "execute_shell", { command: "r''m -rf build" }, "DENY"],
  ["forms/shorthand", {}, "execute_shell", { command: "curl https://example.com" }, "REQUIRE_APPROVAL"],
  ["migration/text", {}, "execute_shell", { command: "rm -rf build" }, "DENY"],
  ["migration/text", {}, "execute_shell", { command: "find . -delete" }, "REQUIRE_APPROVAL"],
  ["migration/text", {}, "execute_shell", { command: "rm -r --force build" }, "REQUIRE_APPROVAL"],
  ["migration/text", {}, "execute_shell", { command: 'echo "rm -rf build"' }, "DENY"],
  ["migration/text", {}, "execute_shell", { command: "grep -rn curl src" }, "DENY"],
  ["migration/text", {}, "call_external_api", { url: "http://2852039166/" }, "REQUIRE_APPROVAL"],
  ["migration/text", {}, "call_external_api", { url: "https://api.example.com/docs/localhost" }, "DENY"],
  ["migration/facts", {}, "execute_shell", { command: "rm -r --force build" }, "DENY"],
  ["migration/facts", {}, "execute_shell", { command: 'echo "rm -rf build"' }, "REQUIRE_APPROVAL"],
  ["migration/facts", {}, "execute_shell", { command: "grep -rn curl src" }, "REQUIRE_APPROVAL"],
  ["migration/facts", {}, "call_external_api", { url: "http://2852039166/" }, "DENY"],
  ["migration/facts", {}, "call_external_api", { url: "https://api.example.com/docs/localhost" }, "REQUIRE_APPROVAL"],
  ["production", { env: "production", cwd: "/srv/app", home: "/home/agent" }, "execute_shell", { command: "tail -n 5 app.log" }, "ALLOW"],
  ["production", { env: "production" }, "execute_shell", { command: "rm app.log" }, "DENY"],
  ["production", { env: "production" }, "execute_shell", { command: "$(cat cmd)" }, "REQUIRE_APPROVAL"],
  ["production", { env: ["production"] as never }, "execute_shell", { command: "rm app.log" }, "DENY"],
  ["production", { env: "production", safe_paths: ["/srv"] }, "modify_file", { path: "/srv/a" }, "REQUIRE_APPROVAL"],
  ["production", { env: "dev", safe_paths: ["/srv"] }, "modify_file", { path: "/srv/a" }, "ALLOW"],
  ["production", {}, "execute_shell", { command: "ls" }, "REQUIRE_APPROVAL"],
  ["log-cleanup", { env: "dev" }, "execute_shell", { command: "rm -rf /var/log/app/2026-01" }, "ALLOW"],
  [
    "log-cleanup",
    { env: "dev" },
    "execute_shell",
    { command: "rm -rf /var/log/app/2026-01; curl https://example.com" },
    "REQUIRE_APPROVAL",
  ],
  ["log-cleanup", { env: "dev" }, "execute_shell", { command: "rm -rf /var/log/app/2026-01 /etc" }, "DENY"],
  ["log-cleanup", { env: "dev" }, "execute_shell", { command: "rm -rf /var/log/app/../../lib" }, "DENY"],
  ["log-cleanup", { env: "staging" }, "execute_shell", { command: "rm -rf /var/log/app/2026-01" }, "REQUIRE_APPROVAL"],
  ["log-cleanup", { env: "production" }, "execute_shell", { command: "rm -rf /var/log/app/2026-01" }, "DENY"],
  ["log-cleanup", {}, "execute_shell", { command: "rm -rf /var/log/app/2026-01" }, "DENY"],
  ["own-apis", {}, "call_external_api", { url: "https://api.example.com/v1" }, "ALLOW"],
  ["own-apis", {}, "call_external_api", { url: "https://api.example.com/v1", method: "POST" }, "REQUIRE_APPROVAL"],
  ["own-apis", {}, "call_external_api", { url: "https://api.example.com/v1", method: "DELETE" }, "DENY"],
  ["own-apis", {}, "call_external_api", { url: "https://api.example.com:8443/v1" }, "REQUIRE_APPROVAL"],
  ["own-apis", {}, "call_external_api", { url: "https://example.org/" }, "DENY"],
  ["own-apis", { safe_hosts: ["example.org"] }, "call_external_api", { url: "https://example.org/" }, "DENY"],
  ["ci-cd", { role: "release" }, "deploy", { service: "shop", environment: "staging", ref: "0".repeat(40), checks_passed: true }, "ALLOW"],
  [
    "ci-cd",
    { role: "release" },
    "deploy",
    { service: "shop", environment: "production", ref: "0".repeat(40), checks_passed: true },
    "REQUIRE_APPROVAL",
  ],
  ["ci-cd", { role: "release" }, "deploy", { service: "shop", environment: "staging", ref: "main", checks_passed: true }, "DENY"],
  ["ci-cd", { role: "release" }, "deploy", { service: "shop", environment: "staging", ref: "0".repeat(40) }, "DENY"],
  ["ci-cd", {}, "deploy", { service: "shop", environment: "staging", ref: "0".repeat(40), checks_passed: true }, "DENY"],
  ["ci-cd", {}, "execute_shell", { command: "git -C x push -f origin topic" }, "DENY"],
  [
    "database-writes",
    { role: "support" },
    "execute_query",
    { query: "UPDATE tickets SET state = 'x' WHERE id = 7", dialect: "postgres" },
    "ALLOW",
  ],
  ["database-writes", { role: "support" }, "execute_query", { query: "UPDATE tickets SET state = 'x'", dialect: "postgres" }, "DENY"],
  [
    "database-writes",
    { role: "support" },
    "execute_query",
    { query: "UPDATE users SET name = 'x' WHERE id = 7", dialect: "postgres" },
    "REQUIRE_APPROVAL",
  ],
  [
    "database-writes",
    { role: "support" },
    "execute_query",
    { query: "UPDATE payments SET a = 1 WHERE id = 7", dialect: "postgres" },
    "DENY",
  ],
  [
    "database-writes",
    {},
    "execute_query",
    { query: "UPDATE tickets SET state = 'x' WHERE id = 7", dialect: "postgres" },
    "REQUIRE_APPROVAL",
  ],
  [
    "customer-data-export",
    {},
    "export_customers",
    { purpose: "customer_request", rows: 1, columns: ["name"], destination: "https://eu.exports.example.com/x" },
    "ALLOW",
  ],
  [
    "customer-data-export",
    {},
    "export_customers",
    { purpose: "customer_request", rows: "1", columns: ["name"], destination: "https://eu.exports.example.com/x" },
    "DENY",
  ],
  [
    "customer-data-export",
    {},
    "export_customers",
    { purpose: "analytics", rows: 1, columns: ["name"], destination: "https://eu.exports.example.com/x" },
    "REQUIRE_APPROVAL",
  ],
  [
    "customer-data-export",
    {},
    "export_customers",
    { purpose: "customer_request", rows: 1, columns: "iban", destination: "https://eu.exports.example.com/x" },
    "DENY",
  ],
];

describe("the policies to copy answer", () => {
  it.each(cases)("%s, for %j: %s %j is %s", async (file, agentCtx, actionType, payload, decision) => {
    const checker = createChecker({ policy: `${root}policies/${file}.yaml`, resolvePaths: false });
    expect(await checker.check({ agentCtx, actions: [{ actionType, payload }] })).toMatchObject({ decision });
  });
});

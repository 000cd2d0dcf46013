import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Decision } from "./decision.ts";
import { evaluate } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";
import type { Policy } from "./policy.ts";

/** Who acts in the labelled requests. */
const agent: JsonObject = {
  cwd: "/repo",
  home: "/home/agent",
  safe_paths: ["/repo/", "/tmp/"],
  safe_hosts: ["api.good.com", "*.cdn.good.com"],
};

/** One labelled request: `acceptable` are the answers that are right, `expected` is the best of them. */
interface Labelled {
  readonly id: string;
  readonly kind?: "threat" | "benign";
  readonly acceptable: readonly Decision[];
  readonly why: string;
  readonly [field: string]: unknown;
}

function labelled(name: string): readonly Labelled[] {
  const text = readFileSync(new URL(`../../vectors/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Labelled);
}

let policy: Policy;

beforeAll(async () => {
  policy = await loadPolicy({ name: "root", text: "version: 1\nextends: [canopy:default]\n" });
});

function decide(actionType: string, payload: JsonValue, agentCtx: JsonObject = agent): Decision {
  return evaluate(policy, { agentCtx, actionType, payload }).decision;
}

describe("the bundled policy about labelled paths", () => {
  const actions: Readonly<Record<string, string>> = { read: "read_file", write: "modify_file", delete: "delete_file" };

  it.each(labelled("path"))("$op $path: one of $acceptable ($why)", ({ op, path, acceptable }) => {
    // Here only the repository is a safe path.
    const agentCtx = { ...agent, safe_paths: ["/repo/"] };
    expect(acceptable).toContain(decide(actions[String(op)] ?? "", { path: String(path) }, agentCtx));
  });
});

describe("the bundled policy about labelled addresses", () => {
  it.each(labelled("url"))("$url: one of $acceptable ($why)", ({ url, acceptable }) => {
    expect(acceptable).toContain(decide("call_external_api", { url: String(url) }));
  });
});

describe("the bundled policy about labelled commands", () => {
  it.each([...labelled("shell"), ...labelled("shell-more")])("$command: one of $acceptable ($why)", ({ command, acceptable }) => {
    expect(acceptable).toContain(decide("execute_shell", { command: String(command) }));
  });
});

describe("the bundled policy about labelled queries", () => {
  it.each(labelled("sql"))("$dialect: $sql: one of $acceptable ($why)", ({ sql, dialect, acceptable }) => {
    expect(acceptable).toContain(decide("execute_query", { query: String(sql), dialect: String(dialect) }));
  });
});

describe("what the README says of the bundled policy", () => {
  it.each([
    ["execute_shell", { command: "r''m -fr /" }, "DENY"],
    ["execute_shell", { command: "cd / && rm -rf *" }, "DENY"],
    ["execute_shell", { command: "echo / | xargs rm -rf" }, "DENY"],
    ["execute_shell", { command: "echo cm0gLXJmIC8= | base64 -d | sh" }, "DENY"],
    ["execute_shell", { command: "sudo env -i timeout 5 bash -c 'rm -rf ~'" }, "DENY"],
    ["execute_shell", { command: 'echo "rm -rf /"' }, "ALLOW"],
    ["execute_shell", { command: 'grep -rn "curl" src/' }, "ALLOW"],
    ["execute_shell", { command: "$CMD -rf /" }, "REQUIRE_APPROVAL"],
    ["execute_shell", { command: "./deploy.sh" }, "REQUIRE_APPROVAL"],
    ["execute_shell", { command: "python3 -c 'print(1)'" }, "REQUIRE_APPROVAL"],
    ["modify_file", { path: "/proc/self/root/etc/passwd" }, "DENY"],
    ["modify_file", { path: ".GIT./hooks/x" }, "DENY"],
    ["call_external_api", { url: "https://api.good.com@evil.com/" }, "DENY"],
    ["call_external_api", { url: "http://2130706433/" }, "DENY"],
    ["execute_query", { query: "SELECT 1; DROP TABLE users" }, "DENY"],
    ["execute_query", { query: "DELETE FROM t WHERE 1=1" }, "DENY"],
  ] as const)("%s %j is %s", (actionType, payload, decision) => {
    expect(decide(actionType, payload)).toBe(decision);
  });
});

it("a reason names what it found once, however often it was found", () => {
  const request = { agentCtx: agent, actionType: "execute_shell", payload: { command: "curl https://a.example; curl https://b.example" } };
  expect(evaluate(policy, request).reason).toContain('It talks to other machines: ["curl"] (rule');
});

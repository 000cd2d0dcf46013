import type { Choices, Freedom } from "./choices.ts";
import { elsewhere, exampleHost, otherHost, under, yaml } from "./policy-text.ts";

/** The text of `canopy.policy.test.yaml`: what the policy that these choices make answers. */
export function testsText(choices: Choices): string {
  const tests = [shell(choices), files(choices), apis(choices), sql(choices), payments(choices)];
  return `# What canopy.policy.yaml must answer; canopy test tries it. Change a policy and its tests together.
version: 1

fixtures:
  agent:
    agent_ctx: { agent_id: my-agent, cwd: /srv/app, home: /home/agent, env: dev }

tests:
${tests.join("\n")}`;
}

type Row = readonly [subject: string, decision: string, env?: string];

/** A table of one action type: what it is about, in which environment, and the answer. */
function table(name: string, actionType: string, column: string, rows: readonly Row[], more = ""): string {
  return `  - name: ${name}
    request: { extends: agent, action_type: ${actionType}${more} }
    columns: [${column}, agent_ctx.env, expect]
    rows:
${rows.map(([subject, decision, env = "dev"]) => `      - [${yaml(subject)}, ${env}, ${decision}]\n`).join("")}`;
}

/** What comes of something that is careful by itself. */
function atLeast(freedom: Freedom, careful: "ALLOW" | "REQUIRE_APPROVAL" | "DENY"): string {
  if (freedom === "deny" || careful === "DENY") return "DENY";
  return freedom === "ask" ? "REQUIRE_APPROVAL" : careful;
}

function shell({ shell: freedom, production }: Choices): string {
  const rows: Row[] = [
    ["git status", atLeast(freedom, "ALLOW")],
    ["rm notes.txt", atLeast(freedom, "REQUIRE_APPROVAL")],
    ["curl https://example.com", atLeast(freedom, "REQUIRE_APPROVAL")],
    ["rm -rf /", "DENY"],
  ];
  if (production) rows.push(["rm notes.txt", "DENY", "production"], ["git status", atLeast(freedom, "ALLOW"), "production"]);
  return table("shell commands", "execute_shell", "payload.command", rows);
}

function files({ files: freedom, paths, production }: Choices): string {
  const [first] = paths;
  const reads: Row[] = [
    [elsewhere(paths), atLeast(freedom, "REQUIRE_APPROVAL")],
    ["/home/agent/.ssh/id_ed25519", "DENY"],
  ];
  const changes: Row[] = [["/etc/passwd", "DENY"]];
  if (first !== undefined) {
    const allowed = paths.map((path): Row => [under(path, "notes.txt"), "ALLOW"]);
    reads.unshift(...allowed);
    reads.push([under(first, ".env"), "DENY"]);
    changes.unshift(...allowed);
    changes.push([under(first, ".git/hooks/pre-commit"), "DENY"]);
    if (production) changes.push([under(first, "notes.txt"), "REQUIRE_APPROVAL", "production"]);
  } else {
    changes.unshift(["/srv/app/notes.txt", atLeast(freedom, "REQUIRE_APPROVAL")]);
  }
  return `${table("reading files", "read_file", "payload.path", reads)}
${table("changing files", "modify_file", "payload.path", changes, ", payload: { content: hello }")}`;
}

function apis({ apis: freedom, hosts, production }: Choices): string {
  const [first] = hosts;
  const url = `https://${first === undefined ? "api.example.com" : exampleHost(first)}/v1`;
  const reads: Row[] = [
    ...hosts.map((host): Row => [`https://${exampleHost(host)}/v1`, "ALLOW"]),
    [`https://${otherHost(hosts)}/`, atLeast(freedom, "REQUIRE_APPROVAL")],
    ["http://169.254.169.254/latest/meta-data/", "DENY"],
  ];
  const writes: Row[] = [[url, atLeast(freedom, "REQUIRE_APPROVAL")]];
  if (production) writes.push([url, atLeast(freedom, "REQUIRE_APPROVAL"), "production"]);
  return `${table("reading from APIs", "call_external_api", "payload.url", reads)}
${table("changing something through APIs", "call_external_api", "payload.url", writes, ", payload: { method: POST }")}`;
}

function sql({ sql: freedom }: Choices): string {
  const rows: Row[] = [
    ["SELECT name FROM users WHERE id = 5", atLeast(freedom, "ALLOW")],
    ["INSERT INTO users (name) VALUES ('a')", atLeast(freedom, "REQUIRE_APPROVAL")],
    ["DROP TABLE users", "DENY"],
  ];
  return table("SQL", "execute_query", "payload.query", rows, ", payload: { dialect: postgres }");
}

function payments({ payments: freedom }: Choices): string {
  const decision = freedom === "deny" ? "DENY" : "REQUIRE_APPROVAL";
  return `  - name: money
    request: { extends: agent, action_type: payment_send, payload: { amount: 20 } }
    expect: { decision: ${decision}, rules: payments }
`;
}

import type { Choices, Freedom } from "./choices.ts";

/** What a starter policy says of one area. */
interface Area {
  /** Lines of `except`, and the rules, indented as they stand in the file. */
  readonly except: readonly string[];
  readonly rules: readonly string[];
}

const nothing: Area = { except: [], rules: [] };

/** The text of `canopy.policy.yaml`. `schema` is where editors find the format, relative to the file. */
export function policyText(choices: Choices, schema: string): string {
  const areas = [shell(choices), files(choices), apis(choices), sql(choices), payments(choices), production(choices)];
  const except = areas.flatMap((area) => area.except);
  const rules = areas.flatMap((area) => area.rules);
  return `# yaml-language-server: $schema=${schema}
#
# What your agent may do. The rules of canopy:default are in force too, and of all rules that apply the strictest decides: DENY, then
# REQUIRE_APPROVAL, then ALLOW. A rule here makes an answer stricter; to make one looser, lift a rule of canopy:default under \`except\`.
#
# Tried with canopy.policy.test.yaml beside it (canopy test), in force with CANOPY_POLICY_FILE=canopy.policy.yaml. To see first what it would
# do, run with the option mode: "observe" and look at canopy report.
version: 1
name: my agent
extends: [canopy:default]
${except.length === 0 ? "" : `\nexcept:\n${except.join("")}`}
rules:
${rules.join("\n")}`;
}

function shell({ shell: freedom }: Choices): Area {
  if (freedom === "careful") return nothing;
  return everything(
    freedom,
    "shell",
    "execute_shell",
    "# Without this rule it looks freely, is asked about before it changes something, and cannot destroy.",
    ["payload: { command: ls }"],
  );
}

function files({ files: freedom, paths }: Choices): Area {
  if (freedom !== "careful") {
    return everything(
      freedom,
      "files",
      "[read_file, modify_file, delete_file]",
      "# This counts for the directories in the agent context's safe_paths too.",
      ["action_type: read_file, payload: { path: /srv/app/a.txt }", "action_type: delete_file, payload: { path: /srv/app/a.txt }"],
    );
  }
  const [first] = paths;
  if (first === undefined) return nothing;
  const list = celList(paths);
  const inside = under(first, "notes.txt");
  return {
    except: [
      "  # These directories need not be in the agent context: they are named here.\n",
      `  file-read-elsewhere: [${quoted(`path(payload.path).within(${list})`)}]\n`,
      `  file-change-elsewhere: [${quoted(`path(payload.path).strictly_within(${list})`)}]\n`,
      `  file-change-unlisted: [${quoted(`path(payload.path).strictly_within(${list})`)}]\n`,
    ],
    rules: [
      `  # Secrets, a repository's inside and what runs later, such as package.json, stay protected here too.
  - id: own-files-read
    action_type: read_file
    decision: ALLOW
    when_all: [${quoted(`path(payload.path).within(${list})`)}]
    reason: It lies in a directory in which the agent may work
    examples:
      match: [{ payload: { path: ${yaml(inside)} } }]
      not_match: [{ payload: { path: ${yaml(elsewhere(paths))} } }]
`,
      `  - id: own-files-change
    action_type: [modify_file, delete_file]
    decision: ALLOW
    when_all: [${quoted(`path(payload.path).strictly_within(${list})`)}]
    reason: It lies in a directory in which the agent may work
    examples:
      match: [{ action_type: modify_file, payload: { path: ${yaml(inside)} } }]
      not_match: [{ action_type: delete_file, payload: { path: ${yaml(first)} } }]
`,
    ],
  };
}

function apis({ apis: freedom, hosts }: Choices): Area {
  if (freedom !== "careful") {
    return everything(freedom, "apis", "call_external_api", "# This counts for the hosts in the agent context's safe_hosts too.", [
      'payload: { url: "https://api.example.com/" }',
    ]);
  }
  const [first] = hosts;
  if (first === undefined) return nothing;
  const list = celList(hosts);
  const url = `https://${exampleHost(first)}/v1`;
  return {
    except: [
      "  # These hosts need not be in the agent context: they are named here.\n",
      `  api-unlisted:\n    - url(payload.url).scheme == "https"\n    - url(payload.url).default_port\n    - ${quoted(`url(payload.url).host_in(${list})`)}\n`,
    ],
    rules: [
      `  # At these hosts reading is free; what changes something is asked about, wherever it is.
  - id: own-hosts-read
    action_type: call_external_api
    decision: ALLOW
    when_all:
      - url(payload.url).scheme == "https"
      - url(payload.url).default_port
      - ${quoted(`url(payload.url).host_in(${list})`)}
      - payload.method in ["GET", "HEAD"]
    reason: It reads from a host that the agent may call
    examples:
      match: [{ payload: { url: ${yaml(url)} } }]
      not_match: [{ payload: { url: ${yaml(url.replace("https", "http"))} } }, { payload: { url: ${yaml(url)}, method: POST } }]
`,
      `  - id: own-hosts-change
    action_type: call_external_api
    decision: REQUIRE_APPROVAL
    when_all: ['!(payload.method in ["GET", "HEAD"])']
    reason: "{payload.method} may change something at {payload.url}"
    examples:
      match: [{ payload: { url: ${yaml(url)}, method: POST } }]
      not_match: [{ payload: { url: ${yaml(url)} } }]
`,
    ],
  };
}

function sql({ sql: freedom }: Choices): Area {
  if (freedom === "careful") return nothing;
  return everything(
    freedom,
    "sql",
    "execute_query",
    "# Without this rule it reads freely, is asked about before it writes, and cannot take away.",
    ["payload: { query: SELECT 1, dialect: postgres }"],
  );
}

/** The actions that move money: whatever the agent's own tools are called. */
export const paymentActions: readonly string[] = ["charge_card", "issue_refund", "transfer_money", "payment_*"];

function payments({ payments: freedom }: Choices): Area {
  const decision = freedom === "deny" ? "DENY" : "REQUIRE_APPROVAL";
  return {
    except: [],
    rules: [
      `  # Name the actions of your own tools that move money. A limit is one more condition, such as payload.amount > 100, on a rule of its own.
  - id: payments
    action_type: [${paymentActions.map((name) => (name.includes("*") ? JSON.stringify(name) : name)).join(", ")}]
    decision: ${decision}
    severity: high
    reason: ${freedom === "deny" ? "This agent moves no money" : "A person has the say about money"}
    examples:
      match: [{ action_type: issue_refund, payload: { amount: 20 } }]
`,
    ],
  };
}

/** Where the agent's context does not say that it is elsewhere, it is in production. */
const inProduction = '!(has(agent_ctx.env) && agent_ctx.env in ["dev", "test", "staging"])';

function production({ production: wanted, shell: shells, files: changes, apis: calls, hosts }: Choices): Area {
  if (!wanted) return nothing;
  const rules = [
    shells === "deny"
      ? ""
      : `  # In production, which is wherever agent_ctx.env is not dev, test or staging, nothing is removed or installed from a shell.
  - id: production-shell
    action_type: execute_shell
    decision: DENY
    severity: high
    when_all:
      - ${quoted(inProduction)}
      - shell(payload.command).deletes.exists(d, true) || shell(payload.command).installs.exists(i, true)
    reason: Nothing is removed or installed in production by an agent
    examples:
      match:
        - { payload: { command: rm -f cache.json }, agent_ctx: { env: production } }
        - { payload: { command: npm install left-pad }, agent_ctx: {} }
      not_match:
        - { payload: { command: rm -f cache.json }, agent_ctx: { env: dev } }
        - { payload: { command: tail -n 50 app.log }, agent_ctx: { env: production } }
`,
    changes === "careful"
      ? `  - id: production-files
    action_type: [modify_file, delete_file]
    decision: REQUIRE_APPROVAL
    severity: high
    when_all: [${quoted(inProduction)}]
    reason: "{payload.path} is in production, where a person has the say"
    examples:
      match: [{ action_type: modify_file, payload: { path: /srv/app/config.json }, agent_ctx: { env: production } }]
      not_match: [{ action_type: modify_file, payload: { path: /srv/app/config.json }, agent_ctx: { env: dev } }]
`
      : "",
    // With hosts there is a rule for this already.
    calls === "careful" && hosts.length === 0
      ? `  - id: production-apis
    action_type: call_external_api
    decision: REQUIRE_APPROVAL
    when_all: [${quoted(inProduction)}, ${quoted('!(payload.method in ["GET", "HEAD"])')}]
    reason: "{payload.method} may change something in production"
    examples:
      match: [{ payload: { url: "https://api.example.com/", method: POST }, agent_ctx: { env: production } }]
      not_match: [{ payload: { url: "https://api.example.com/", method: POST }, agent_ctx: { env: dev } }]
`
      : "",
  ];
  return { except: [], rules: rules.filter((rule) => rule !== "") };
}

/** One rule over all of an area. */
function everything(
  freedom: Exclude<Freedom, "careful">,
  area: string,
  actionType: string,
  comment: string,
  matches: readonly string[],
): Area {
  const [decision, reason] =
    freedom === "ask" ? ["REQUIRE_APPROVAL", "A person is asked about all of it"] : ["DENY", "This agent does none of it"];
  return {
    except: [],
    rules: [
      `  ${comment}
  - id: ${area}-${freedom}
    action_type: ${actionType}
    decision: ${decision}
    reason: ${reason}
    examples:
      match: [${matches.map((match) => `{ ${match} }`).join(", ")}]
`,
    ],
  };
}

function celList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}

/** As a YAML scalar in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** As a YAML scalar in double quotes, which JSON is. */
export function yaml(text: string): string {
  return JSON.stringify(text);
}

/** A file in the directory. */
export function under(directory: string, name: string): string {
  return `${directory.replace(/\/$/, "")}/${name}`;
}

/** A file in none of the directories. */
export function elsewhere(directories: readonly string[]): string {
  const candidates = ["/srv/elsewhere", "/opt/elsewhere", "/data/elsewhere", "/mnt/elsewhere"];
  const found = candidates.find((each) => directories.every((directory) => !`${each}/`.startsWith(under(directory, ""))));
  return under(found ?? "/elsewhere", "notes.txt");
}

/** A host that none of the patterns takes in. */
export function otherHost(patterns: readonly string[]): string {
  return patterns.some((pattern) => pattern.endsWith("elsewhere.example")) ? "somewhere.example" : "elsewhere.example";
}

/** A host that the pattern takes in. */
export function exampleHost(pattern: string): string {
  return pattern.replace(/^\*\./, "www.");
}

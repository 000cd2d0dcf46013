import { describe, expect, it } from "vitest";

import { loadPolicy } from "../load.ts";
import { lint } from "./lint.test.kit.ts";
import type { LintFinding } from "./lint.ts";

async function said(line: string): Promise<readonly LintFinding[]> {
  return (await lint(`version: 1\nrules:\n  - ${line}\n`)).filter(({ level }) => level !== "note");
}

describe("lint leaves alone what may well be meant", () => {
  it.each([
    `{ action_type: execute_shell, deny: true, when_all: ['shell(payload.command).commands.exists(c, c.program == "git" && "push" in c.args)'] }`,
    `{ action_type: execute_shell, allow: true, when_all: ['shell(payload.command).commands.all(c, c.program == "git" && c.args.exists(a, a == "log"))', shell(payload.command).complete] }`,
    `{ action_type: execute_shell, allow: true, when_all: ['shell(payload.command).commands.size() == 1', 'shell(payload.command).commands.exists(c, c.program == "git")'] }`,
    `{ action_type: execute_shell, allow: true, when_all: ['payload.command == "npm test"'] }`,
    `{ action_type: execute_shell, allow: true, when_all: [shell(payload.command).complete, '!(payload contains "prod")'] }`,
    `{ action_type: execute_shell, deny: true, when_all: ['payload contains "prod"'] }`,
    `{ action_type: execute_shell, deny: true, when_all: ['payload contains "test"'] }`,
    `{ action_type: execute_shell, deny: true, when_all: ['payload contains "make it so"'] }`,
    `{ action_type: execute_shell, deny: true, when_all: ['has(payload.cwd) && payload.cwd != "/srv"'] }`,
    `{ action_type: execute_shell, require_approval: true, when_all: ['shell(payload.command).programs.exists(p, p.matches("^python"))'] }`,
    `{ action_type: execute_shell, require_approval: true, when_all: ['shell(payload.command).network.size() > 0'] }`,
    `{ action_type: execute_shell, deny_regex: "AKIA[0-9A-Z]{16}" }`,
    `{ action_type: read_file, deny: true, when_all: ['path(payload.path).name.endsWith(".pem")'] }`,
    `{ action_type: read_file, allow: true, when_all: ['path(payload.path).within("/srv") && path(payload.path).name.matches("^[a-z]+[.]md$")'] }`,
    `{ action_type: modify_file, allow: true, when_all: ['path(payload.path).within("/srv")', '!(payload contains "eval(")'] }`,
    `{ action_type: call_external_api, deny: true, when_all: ['payload.url contains "token="'] }`,
    `{ action_type: call_external_api, require_approval: true, when_all: ['url(payload.url).path.startsWith("/admin")'] }`,
    `{ action_type: call_external_api, allow: true, when_all: [url(payload.url).host_in(agent_ctx.safe_hosts), 'url(payload.url).path.startsWith("/v1/")'] }`,
    `{ action_type: call_external_api, deny: true, when_all: ['payload.method in ["post", "POST"]'] }`,
    `{ action_type: execute_query, deny: true, when_all: ['sql(payload.query).tables.exists(t, t.startsWith("audit_"))'] }`,
    `{ action_type: execute_query, deny: true, when_not: ['sql(payload.query).tables.all(t, t.startsWith("app_"))'] }`,
    `{ action_type: execute_query, deny: true, when_all: ['sql(payload.query).statements.size() > 5'] }`,
    `{ action_type: send_mail, deny: true, when_all: ['payload.to.exists(t, !t.endsWith("@example.com"))'] }`,
    `{ action_type: send_mail, allow: true, when_all: ['payload.to.all(t, t.endsWith("@example.com"))'] }`,
    `{ action_type: send_mail, allow: true, when_all: ['"admin" in agent_ctx.roles', 'payload.kind == "note"'] }`,
    `{ action_type: send_mail, allow: true, when_all: ['agent_ctx.roles.exists(r, r == "admin")', 'payload.kind == "note"'] }`,
    `{ action_type: get_weather, allow: true }`,
    `{ action_type: send_mail, deny: true, when_all: [payload.n > 1, payload.n < 1.5] }`,
    `{ action_type: [send_mail, deploy], deny: true, when_all: ['action_type == "deploy"', payload.x == 1] }`,
    `{ action_type: "*", deny: true, when_all: ['action_type == "deploy"', 'agent_ctx.env != "dev"'] }`,
    `{ action_type: deploy, deny: true, when_all: ['!(payload.env in ["Prod", "prod"])'] }`,
    `{ action_type: deploy, deny: true, when_all: ['has(payload.force) && payload.force == true'] }`,
    `{ action_type: deploy, deny: true, when_all: ['payload.when.matches("^2026-")'] }`,
    `{ action_type: deploy, require_approval: true, when_all: ['payload.branch.startsWith("release/")'] }`,
  ])("%s", async (line) => {
    expect(await said(line)).toEqual([]);
  });
});

describe("what lint says is better loads, and is right", () => {
  it.each([
    [`{ action_type: execute_shell, deny_regex: '(?i)\\brm\\b' }`, "shell(payload.command).deletes.exists(x, true)"],
    [`{ action_type: execute_shell, deny_regex: sudo }`, "shell(payload.command).privileges.exists(x, true)"],
    [
      `{ action_type: execute_shell, deny: true, when_all: ['payload.command.matches("(curl|wget)")'] }`,
      "shell(payload.command).network.exists(x, true)",
    ],
    [`{ action_type: execute_shell, deny: true, when_all: ['payload.command contains "AKIA"'] }`, 'payload contains "AKIA"'],
    [
      `{ action_type: execute_shell, deny: true, when_all: ['payload.command == "reboot"'] }`,
      '"reboot" in shell(payload.command).programs',
    ],
    [
      `{ action_type: execute_shell, deny: true, when_all: ['shell(payload.command).commands.exists(c, c.text contains "rm -rf")'] }`,
      "shell(payload.command).deletes.exists(d, d.recursive)",
    ],
    [
      `{ action_type: execute_shell, deny: true, when_all: ["shell(payload.command).deletes.size() > 0"] }`,
      "shell(payload.command).deletes.exists(x, true)",
    ],
    [
      `{ action_type: read_file, deny: true, when_all: ['payload.path in ["/etc/shadow", "/etc/passwd"]'] }`,
      'path(payload.path).within("/etc/shadow")',
    ],
    [
      `{ action_type: read_file, allow: true, when_all: [payload.path in agent_ctx.safe_paths] }`,
      "path(payload.path).within(agent_ctx.safe_paths)",
    ],
    [
      `{ action_type: call_external_api, allow: true, when_all: ['url(payload.url).host.endsWith(".example.com")'] }`,
      'url(payload.url).host_in("*.example.com")',
    ],
  ])("%s: %s", async (line, better) => {
    const [finding] = await said(line);
    expect(finding?.better).toContain(`\`${better}\``);
    const type = /action_type: (?<name>\w+)/.exec(line)?.groups?.["name"];
    const text = JSON.stringify({ version: 1, rules: [{ action_type: type, deny: true, when_all: [better] }] });
    await expect(loadPolicy({ name: "better", text })).resolves.toMatchObject({ warnings: [] });
  });
});

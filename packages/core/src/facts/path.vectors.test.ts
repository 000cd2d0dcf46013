import { describe, expect, it } from "vitest";
import type { Decision } from "../policy/decision.ts";
import { pathFacts } from "./path.ts";
import type { PathFact } from "./path.ts";
import { Unknown } from "./unknown.ts";
import { and, includes, labelled, labelledContext, not, or, verdict } from "./verdict.test.support.ts";
import type { Rule } from "./verdict.test.support.ts";

/** The rules over files that a careful policy has, condition by condition. */
function rules(op: string, path: PathFact, safePaths: readonly string[]): Rule[] {
  const nul = includes(path.problems, "nul");
  const odd = path.problems.items.length > 0;
  const inside = path.strictlyWithin(safePaths);
  // has(agent_ctx.safe_paths) stands before it in a policy, so that a context without any asks instead of denying.
  const foreign = and(path.foreign, not(path.within(safePaths)));
  const guarded = or(path.secret, path.repository_internal, path.canopy, path.startup, path.anchor, foreign, nul);
  switch (op) {
    case "read":
      return [
        { id: "deny-read-secret", decision: "DENY", when: or(path.secret, path.canopy, nul) },
        { id: "ask-read-odd", decision: "REQUIRE_APPROVAL", when: odd },
        { id: "allow-read-safe", decision: "ALLOW", when: path.within(safePaths) },
      ];
    case "write":
      return [
        { id: "deny-modify-guarded", decision: "DENY", when: or(guarded, and(path.system, not(path.null_device))) },
        { id: "ask-modify-later", decision: "REQUIRE_APPROVAL", when: or(path.run_later, path.linked, odd) },
        { id: "allow-modify-safe", decision: "ALLOW", when: or(inside, path.null_device) },
      ];
    default:
      return [
        { id: "deny-delete-guarded", decision: "DENY", when: or(guarded, path.system) },
        { id: "ask-delete-later", decision: "REQUIRE_APPROVAL", when: or(path.run_later, odd) },
        { id: "allow-delete-safe", decision: "ALLOW", when: inside },
      ];
  }
}

function judge(op: string, text: string): Decision {
  const { cwd, home } = labelledContext;
  const fact = pathFacts.analyse([text], { agentCtx: { cwd, home }, payload: { path: text } });
  return fact instanceof Unknown ? "REQUIRE_APPROVAL" : verdict(rules(op, fact as PathFact, ["/repo/"]));
}

describe("the labelled paths", () => {
  it.each(labelled("path"))("$id: $op $path ($why)", ({ op, path, acceptable }) => {
    expect(acceptable).toContain(judge(String(op), String(path)));
  });
});

// What else the same classes hold: op, path, and the answers that are right.
const own: readonly (readonly [string, string, ...Decision[]])[] = [
  ["write", "src/a b.ts", "ALLOW"],
  ["write", "app/[id]/page.tsx", "ALLOW"],
  ["write", "app/(group)/layout.tsx", "ALLOW"],
  ["write", "routes/$postId.tsx", "ALLOW"],
  ["write", "src/größe.ts", "ALLOW"],
  ["write", "src/日本語.md", "ALLOW"],
  ["write", "/repo//src///a.ts", "ALLOW"],
  ["write", "/repo/src/", "ALLOW"],
  ["write", "src/%20a.ts", "ALLOW"],
  ["write", ".gitignore", "ALLOW"],
  ["write", ".env.example", "ALLOW"],
  ["write", "src/.environment.ts", "ALLOW"],
  ["write", "docs/git/hooks.md", "ALLOW"],
  ["write", "src/audit-log.ts", "ALLOW"],
  ["write", "src/canopy.ts", "ALLOW"],
  ["write", "etc/passwd", "ALLOW"],
  ["write", "proc/self/root/etc/passwd", "ALLOW"],
  ["write", "~tilde.txt", "REQUIRE_APPROVAL"],
  ["write", "file:///repo/src/a.ts", "ALLOW"],
  ["write", "./.git", "DENY"],
  ["write", "src/../.git/config", "DENY"],
  ["write", ".GIT/config", "DENY"],
  ["write", ".git\u200c/config", "DENY"],
  ["write", ".ｇｉｔ/config", "DENY"],
  ["write", ".gıt/config", "DENY"],
  ["read", ".ſſh/id", "DENY"],
  ["write", ".git::$INDEX_ALLOCATION/config", "DENY"],
  ["write", ".git...  /config", "DENY"],
  ["write", ".git\\hooks\\pre-commit", "DENY"],
  ["write", "sub/module/.git/hooks/post-checkout", "DENY"],
  ["write", "git~2/config", "DENY"],
  ["write", "GI7EBA~1/config", "DENY"],
  ["write", ".g*t/config", "REQUIRE_APPROVAL", "DENY"],
  ["write", "%2egit/config", "DENY"],
  ["write", "%252egit/config", "DENY"],
  ["write", "%2e%67%69%74%2fconfig", "DENY"],
  ["write", ".env", "DENY"],
  ["write", ".env.production", "DENY"],
  ["write", "ENV~1", "DENY"],
  ["write", ".env\u0000.example", "DENY"],
  ["write", ".env ", "DENY"],
  ["write", "\u2029.env", "DENY"],
  ["read", ".env.local", "DENY"],
  ["read", "config/.ENV.production", "DENY"],
  ["read", ".env.sample", "ALLOW"],
  ["read", ".env.local.example", "ALLOW"],
  ["read", ".env.example.local", "DENY"],
  ["read", "~/.ssh/id_ed25519", "DENY"],
  ["read", "~/.SSH/config", "DENY"],
  ["read", "~//.ssh/../.ssh/id_rsa", "DENY"],
  ["read", "~root/.ssh/id_rsa", "DENY"],
  ["read", "${HOME}//.netrc", "DENY"],
  ["read", "/home/agent/.config/gh/hosts.yml", "DENY"],
  ["read", "/home/other/.npmrc", "DENY"],
  ["read", "/root/.aws/credentials", "DENY"],
  ["read", "../home/agent/.kube/config", "DENY"],
  ["read", "id_rsa", "DENY"],
  ["read", "id_rsa.pub", "ALLOW"],
  ["read", "file://localhost/etc/shadow", "DENY"],
  ["read", "file:////etc/shadow", "DENY"],
  ["read", "file:///etc/sh%61dow", "DENY"],
  ["read", "file:///etc/shadow?x#y", "DENY"],
  ["read", " file:///etc/shadow", "DENY"],
  ["read", "file:%2f%2f%2fetc%2fshadow", "DENY"],
  ["read", "file://.env", "DENY"],
  ["read", "file://../home/agent/.ssh/id_rsa", "DENY"],
  ["read", ".env.example/.ssh/id_rsa", "DENY"],
  ["read", ".env.example/.env", "DENY"],
  ["read", ".ssh/.env.example", "DENY"],
  ["write", "/dev/shm/../sda", "DENY"],
  ["read", "/etc/shadow\n", "DENY"],
  ["read", "/etc/./shadow-", "DENY"],
  ["read", "/ETC/SHADOW", "DENY"],
  ["read", "/proc/self/environ", "DENY"],
  ["read", "/proc/1/task/1/mem", "DENY"],
  ["read", "/proc/self/root/etc/shadow", "DENY"],
  ["read", "/proc/self/root/proc/self/root/etc/shadow", "DENY"],
  ["read", "/proc/thread-self/root/../etc/shadow", "DENY"],
  ["read", "/proc/self/cwd/.env", "DENY"],
  ["read", "/proc/4242/cwd/.env", "DENY"],
  ["read", "/proc/self/cwd/src/a.ts", "REQUIRE_APPROVAL"],
  ["read", "/proc/self/fd/3", "REQUIRE_APPROVAL"],
  ["read", "/etc/hostname", "REQUIRE_APPROVAL"],
  ["read", "/run/secrets/kubernetes.io/serviceaccount/token", "DENY"],
  ["read", "/dev/sda", "DENY"],
  ["read", "$SECRETS/key", "REQUIRE_APPROVAL"],
  ["read", "$(echo /etc/shadow)", "REQUIRE_APPROVAL"],
  ["read", "`pwd`/x", "REQUIRE_APPROVAL"],
  ["read", "src/${X}/a.ts", "REQUIRE_APPROVAL"],
  ["read", "..%2f..%2fetc%2fshadow", "DENY"],
  ["read", "..%c0%af..%c0%afetc/shadow", "REQUIRE_APPROVAL", "DENY"],
  ["read", "..\\..\\etc\\shadow", "DENY"],
  ["read", "\\\\server\\share\\x", "REQUIRE_APPROVAL"],
  ["read", "C:secret.txt", "REQUIRE_APPROVAL"],
  ["read", "\\\\?\\C:\\Windows\\win.ini", "REQUIRE_APPROVAL"],
  ["read", "/*", "REQUIRE_APPROVAL"],
  ["read", "/etc/sh?dow", "REQUIRE_APPROVAL", "DENY"],
  ["read", "*", "REQUIRE_APPROVAL"],
  ["read", "audit.log", "DENY"],
  ["write", "audit.log", "DENY"],
  ["write", "logs/AUDIT.LOG.head", "DENY"],
  ["write", "canopy.policy.yml", "DENY"],
  ["write", "policies/team.canopy.yaml", "DENY"],
  ["write", ".canopy/approvals.db", "DENY"],
  ["write", "C:\\Windows\\System32\\drivers\\etc\\hosts", "DENY"],
  ["write", "/home/agent/notes.txt", "REQUIRE_APPROVAL"],
  ["write", "/tmp/x", "REQUIRE_APPROVAL"],
  ["write", "/var/tmp/x", "REQUIRE_APPROVAL"],
  ["write", "/mnt/data/x", "REQUIRE_APPROVAL"],
  ["write", "~/.bashrc", "DENY"],
  ["write", "/home/agent/.config/autostart/x.desktop", "DENY"],
  ["write", "$HOME/.gitconfig", "DENY"],
  ["write", "/var/spool/cron/root", "DENY"],
  ["write", "/usr/local/bin/x", "DENY"],
  ["write", "/LIB64/x.so", "DENY"],
  ["write", "/System/Library/x", "DENY"],
  ["write", "/dev/../dev/null", "ALLOW"],
  ["write", "/dev/sda", "DENY"],
  ["write", "/dev/shm/x", "REQUIRE_APPROVAL"],
  ["write", "/proc/sysrq-trigger", "DENY"],
  ["write", "/proc/self/root/repo/src/a.ts", "DENY", "REQUIRE_APPROVAL"],
  ["write", "/repo", "DENY"],
  ["write", "/repo/.", "DENY"],
  ["write", "src/..", "DENY"],
  ["write", "/", "DENY"],
  ["write", "/home", "DENY"],
  ["write", "/REPO", "DENY"],
  ["write", "/REPO/src/a.ts", "REQUIRE_APPROVAL", "DENY"],
  ["write", "/repo-evil/x", "DENY"],
  ["write", "/repo\u0000/x", "DENY"],
  ["write", "/srv/other/x", "DENY"],
  ["write", ".vscode/settings.json", "REQUIRE_APPROVAL"],
  ["write", "packages/a/package.json", "REQUIRE_APPROVAL"],
  ["write", "packages/a/HEAD", "REQUIRE_APPROVAL"],
  ["write", "packages/a/head.ts", "ALLOW"],
  ["read", ".env~", "DENY"],
  ["write", ".husky/pre-commit", "REQUIRE_APPROVAL"],
  ["write", ".GitHub/Workflows/ci.yml", "REQUIRE_APPROVAL"],
  ["write", "src/pаypal.ts", "REQUIRE_APPROVAL"],
  ["write", "src/a\u200b.ts", "REQUIRE_APPROVAL"],
  ["write", "src/a.ts\n", "REQUIRE_APPROVAL"],
  ["write", "PROGRA~1/x", "REQUIRE_APPROVAL"],
  ["delete", "/dev/null", "DENY"],
  ["delete", "~", "DENY"],
  ["delete", "$HOME/", "DENY"],
  ["delete", "/home/agent/..", "DENY"],
  ["delete", "..", "DENY"],
  ["delete", "/home/*", "DENY"],
  ["delete", "*", "REQUIRE_APPROVAL", "DENY"],
  ["delete", "src/old.ts", "ALLOW"],
  ["delete", "node_modules", "REQUIRE_APPROVAL"],
  ["delete", ".git", "DENY"],
  ["delete", "/repo/../repo", "DENY"],
];

describe("more paths of the same kinds", () => {
  it.each(own)("%s %j", (op, path, ...acceptable) => {
    expect(acceptable).toContain(judge(op, path));
  });
});

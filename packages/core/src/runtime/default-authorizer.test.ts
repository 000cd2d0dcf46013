import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { authorizeAction } from "./authorize-action.ts";

// The tests of this file share the one default runtime of the process, so they are one story and their order matters.
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "canopy-default-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("denies, and says so, while a variable of the environment is set and empty", async () => {
  vi.stubEnv("CANOPY_AUDIT_LOG_PATH", join(folder, "audit.log"));
  vi.stubEnv("CANOPY_POLICY_FILE", "");
  const answer = await authorizeAction({ agent_id: "a" }, "execute_shell", { command: "ls" });
  expect(answer).toMatchObject({ decision: "DENY", authorizationId: null, avid: expect.stringMatching(/^AVID-/) as string });
  expect(answer.reason).toContain("`CANOPY_POLICY_FILE` is set and empty");
});

it("denies while the log cannot be opened, and tries again at the next call", async () => {
  vi.stubEnv("CANOPY_AUDIT_LOG_PATH", join(folder, "no", "such", "folder", "audit.log"));
  const answer = await authorizeAction({}, "execute_shell", { command: "ls" });
  expect(answer).toMatchObject({ decision: "DENY", authorizationId: null });
  expect(answer.reason).toContain("canopy could not be opened");
});

it("denies and records while the policy does not load, and answers once it does, in the same log", async () => {
  const policy = join(folder, "policy.yaml");
  await writeFile(policy, "version: 1\ndefualt: DENY\n");
  vi.stubEnv("CANOPY_AUDIT_LOG_PATH", join(folder, "audit.log"));
  vi.stubEnv("CANOPY_POLICY_FILE", policy);
  vi.stubEnv("CANOPY_APPROVALS_PATH", join(folder, "approvals.db"));
  const [one, other] = await Promise.all([1, 2].map(async () => await authorizeAction({}, "execute_shell", { command: "ls" })));
  expect([one?.decision, other?.decision]).toEqual(["DENY", "DENY"]);
  expect(one?.reason).toContain(`${policy}:2:1: unknown key \`defualt\``);
  await writeFile(policy, "version: 1\nextends: [canopy:default]\n");
  expect(await authorizeAction({}, "execute_shell", { command: "ls" })).toMatchObject({ decision: "ALLOW", enforced: true });
  const entries = (await readFile(join(folder, "audit.log"), "utf8")).trimEnd().split("\n");
  expect(entries.filter((line) => line.includes('"type":"decision"'))).toHaveLength(3);
});

it("keeps approvals where the environment says, and makes that file when the first is asked for", async () => {
  const path = join(folder, "approvals.db");
  expect(existsSync(path)).toBe(false);
  const answer = await authorizeAction({}, "execute_shell", { command: "curl https://example.com" });
  expect(answer).toMatchObject({ decision: "REQUIRE_APPROVAL" });
  expect(existsSync(path)).toBe(true);
  expect(await authorizeAction({}, "modify_file", { path })).toMatchObject({ decision: "DENY" });
});

it("does not compile with a known key of the context in the wrong case, or with a standard payload that lacks its field", () => {
  const wrong = [
    // @ts-expect-error -- `Env` would silently not be `env`
    async () => await authorizeAction({ Env: "production" }, "execute_shell", { command: "ls" }),
    // @ts-expect-error -- nor `HOME` be `home`
    async () => await authorizeAction({ HOME: "/root" }, "execute_shell", { command: "ls" }),
    // @ts-expect-error -- `safePaths` would silently not be `safe_paths`
    async () => await authorizeAction({ safePaths: ["/repo"] }, "execute_shell", { command: "ls" }),
    // @ts-expect-error -- a shell command needs its command
    async () => await authorizeAction({}, "execute_shell", { cmd: "ls" }),
  ];
  expect(wrong).toHaveLength(4);
});

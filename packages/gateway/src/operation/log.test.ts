import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { expect, it } from "vitest";

import { shell, testGateway } from "../gateway.test.fixture.ts";

async function linesOf(payloads: boolean): Promise<readonly Record<string, unknown>[]> {
  const stream = new PassThrough();
  const lines = text(stream);
  const { post, gateway } = await testGateway({ log: { level: "debug", payloads, stream } });
  await post(
    "/authorize_action",
    shell("curl", { agent_ctx: { session_id: "secret-session" }, trace_id: 'x"}\n{"level":"info","msg":"forged' }),
  );
  await post("/authorize_action", '{"secret-body":');
  await gateway.close();
  stream.end();
  return (await lines)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it("tells of each decision and each answer in a line of JSON, without what was asked for", async () => {
  const lines = await linesOf(false);
  expect(lines.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(["the policy is in force", "listening", "decision", "answer", "stopping", "stopped"]),
  );
  expect(lines.find(({ msg }) => msg === "decision")).toMatchObject({
    level: "info",
    decision: "REQUIRE_APPROVAL",
    action_types: ["execute_shell"],
    rules: ["fetch"],
  });
  expect(lines.filter(({ msg }) => msg === "answer").map(({ status, route }) => [status, route])).toEqual([
    [200, "/authorize_action"],
    [400, "/authorize_action"],
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/secret|curl|canopy_[0-9a-f]{16}_/);
  expect(lines.filter(({ msg }) => msg === "forged")).toEqual([]);
});

it("tells what was asked for where the operator wants it", async () => {
  const decision = (await linesOf(true)).find(({ msg }) => msg === "decision");
  expect(decision).toMatchObject({ payloads: [{ command: "curl" }], agent_ctx: { agent_id: "janitor", session_id: "secret-session" } });
});

import OpenAI from "openai";
import { ResponsesToolRunner, runnerFunction } from "openai/helpers/responses-tool-runner";
import { zodResponsesFunction } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardTools } from "./guard-tools.ts";
import { loopback } from "./server.test.fake.ts";

const agentCtx = { env: "production" };

describe("guarded tools in the SDK's own loop over the Responses API", () => {
  it.each([{}, { stream: true }, { stream: true, eager: true }])(
    "run where they are allowed, tell the model where not, and the run goes on: %j",
    async (how) => {
      const ran: unknown[] = [];
      const pay = zodResponsesFunction({
        name: "pay",
        parameters: z.object({ amount: z.number() }),
        function: async (args: { amount: number }) => {
          ran.push(args);
          return "paid";
        },
      });
      const authorizer = fakeAuthorizer(({ actions: [{ payload }] }) => ((payload as { amount: number }).amount > 5 ? "DENY" : "ALLOW"));
      const [guarded] = guardTools([pay], { agentCtx, authorizer });
      await using server = await loopback([
        [
          { tool: "pay", args: { amount: 5 } },
          { tool: "pay", args: { amount: 6 } },
        ],
      ]);
      const client = new OpenAI({ apiKey: "test", baseURL: server.baseURL, maxRetries: 0 });
      const runner = new ResponsesToolRunner({ functions: [runnerFunction(guarded)] });
      const { output_text: text } = await runner.run(client, { model: "scripted", input: "go" }, how);
      expect(text).toBe("done");
      expect(ran).toEqual([{ amount: 5 }]);
      expect(JSON.stringify(server.requests[1])).toContain("denied, the tool did not run: the fake says DENY");
      expect(authorizer.requests.map(({ tool }) => tool?.args)).toEqual([{ amount: 5 }, { amount: 6 }]);
      expect(authorizer.outcomes).toHaveLength(1);
    },
  );
});

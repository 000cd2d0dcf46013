import { describe, expect, it } from "vitest";

import { prepareGuard } from "./guard.ts";

const agentCtx = { env: "production" };

describe("options", () => {
  it.each([
    [{}, "`agentCtx` is missing"],
    [{ agentCtx: null }, "`agentCtx` is no plain object of JSON"],
    [{ agentCtx: [] }, "`agentCtx` is no plain object of JSON"],
    [{ agentCtx: { at: new Date() } }, "not JSON at `at`"],
    [{ agentCtx, authorizer: null }, "`authorizer` has no `authorize`"],
    [{ agentCtx, authorizer: { authorize: () => {} } }, "`authorizer` has no `authorize` and `recordOutcome`"],
    [{ agentCtx, timeoutMs: 0 }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: Number.NaN }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: 2 ** 31 }, "`timeoutMs` is not"],
    [{ agentCtx, timeoutMs: "1" }, "`timeoutMs` is not"],
  ])("are refused when wrapping: %j", (options, message) => {
    expect(() => prepareGuard("pay", options as never)).toThrow(message);
  });

  it("are refused without a name", () => {
    expect(() => prepareGuard("", { agentCtx })).toThrow("needs a name");
  });
});

import { expect, it } from "vitest";

import { answer, fakeAuthorizer } from "./authorizer.test.fake.ts";
import { guardCall } from "./guard-call.ts";
import { prepareGuard } from "./guard.ts";

it.each(["ALLOW", "REQUIRE_APPROVAL", "DENY"] as const)(
  "a call that its adapter refuses is asked about and does not run, whatever is answered: %s",
  async (decision) => {
    const authorizer = fakeAuthorizer(() => answer(decision).decision);
    const guard = prepareGuard("pay", { agentCtx: {}, authorizer });
    let runs = 0;
    const ended = await guardCall(guard, { args: "{", host: undefined, refused: "the arguments are no JSON" }, () => (runs += 1));
    expect(ended).toMatchObject({ kind: "refused", decision: { decision: "DENY" } });
    expect(authorizer.requests).toMatchObject([{ refused: "the arguments are no JSON", tool: { name: "pay", args: "{" } }]);
    expect([runs, authorizer.outcomes]).toEqual([0, []]);
  },
);

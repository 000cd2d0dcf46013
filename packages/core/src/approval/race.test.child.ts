// A process that authorizes refunds of the amounts from 1 to `count`, each until it is told that nothing is left to use, and prints `allow AMOUNT ID`.
// It begins when it is written to, so that all racers begin at once.
import { once } from "node:events";

import { openCanopy } from "../runtime/open-canopy.ts";
import { policy, refund } from "./approval.test.fixture.request.ts";

const [log = "", count = "1"] = process.argv.slice(2);

async function main(): Promise<void> {
  await using canopy = await openCanopy({ policy, audit: log });
  // Each in an order of its own, so that all meet each other everywhere.
  const amounts = Array.from({ length: Number(count) }, (_, index) => index + 1).toSorted(() => Math.random() - 0.5);
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  const batch = 16;
  for (let from = 0; from < amounts.length; from += batch) {
    await Promise.all(
      amounts.slice(from, from + batch).map(async (amount) => {
        const request = refund({ actions: [{ actionType: "refund", payload: { amount } }] });
        let answer = await canopy.authorize(request);
        // On a slow machine somebody waits for the lock in vain; they are denied, and ask again.
        while (answer.reason.includes("has held the lock")) answer = await canopy.authorize(request);
        if (answer.decision === "ALLOW") process.stdout.write(`allow ${amount} ${answer.approval?.id ?? ""}\n`);
        if (answer.decision === "DENY") process.stdout.write(`deny ${answer.reason}\n`);
      }),
    );
  }
  process.stdin.destroy();
}

await main();

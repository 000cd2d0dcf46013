import { authorizeAction } from "@canopy-runtime/core";

const result = await authorizeAction({ env: "production" }, "execute_shell", { command: "rm -rf /tmp/logs" });

console.log(result.decision); // DENY
console.log(result.reason); // what was understood, and which rule decided
console.log(result.avid); // AVID-…, the agent's identity digest

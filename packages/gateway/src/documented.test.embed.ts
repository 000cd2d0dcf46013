import { addKey, startGateway } from "@canopy-runtime/gateway";

const { key } = await addKey("canopy-keys.json", { name: "ci", agentCtx: { agent_id: "ci", env: "production" } });
await using gateway = await startGateway({ policy: "policy.yaml", audit: "audit.log", keys: "canopy-keys.json", port: 0 });
console.log(gateway.url, key);

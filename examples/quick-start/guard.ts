import { rm } from "node:fs/promises";
import { ActionDeniedError, guardTool } from "@canopy-runtime/core";

const removeFile = guardTool(async ({ path }: { path: string }) => await rm(path), {
  name: "remove_file",
  actionType: "delete_file",
  agentCtx: { agent_id: "janitor", cwd: "/srv/app", safe_paths: ["/srv/app/tmp"] },
});

try {
  await removeFile({ path: "/etc/passwd" });
} catch (error) {
  if (!(error instanceof ActionDeniedError)) throw error;
  console.log(error.decision.decision, error.decision.rules[0]?.id); // nothing was removed
}

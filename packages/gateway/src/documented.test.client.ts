import { guardTool } from "@canopy-runtime/core";
import { HttpAuthorizer } from "@canopy-runtime/core/client";

const authorizer = new HttpAuthorizer({ url: "http://127.0.0.1:4747", key: process.env["CANOPY_KEY"] ?? "" });

const removeFile = guardTool(async ({ path }: { path: string }) => `removed ${path}`, {
  name: "remove_file",
  actionType: "delete_file",
  agentCtx: {}, // the gateway knows who the key is for
  authorizer,
});

await removeFile({ path: "/srv/app/old.txt" }); // throws unless the gateway says ALLOW

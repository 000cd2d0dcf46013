import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { guardTool } from "@canopy-runtime/core";
import type { AgentContext, Authorizer } from "@canopy-runtime/core";

export interface DemoTools {
  readonly shell: (args: { command: string }) => Promise<string>;
  readonly writeFile: (args: { path: string; content: string }) => Promise<string>;
  readonly fetch: (args: { url: string }) => Promise<string>;
}

/** Real tools behind a guard each: what is not allowed does not run. `onFetch` is told each address that is really called. */
export function guardedTools(authorizer: Authorizer, agentCtx: AgentContext, workspace: string, onFetch: (url: string) => void): DemoTools {
  const common = { authorizer, agentCtx };
  return {
    shell: guardTool(async ({ command }: { command: string }) => await runBash(command, workspace), {
      ...common,
      name: "shell",
      actionType: "execute_shell",
    }),
    writeFile: guardTool(
      async ({ path, content }: { path: string; content: string }) => {
        await writeFile(resolve(workspace, path), content);
        return `written: ${path}`;
      },
      { ...common, name: "write_file", actionType: "modify_file" },
    ),
    fetch: guardTool(
      async ({ url }: { url: string }) => {
        onFetch(url);
        const { status } = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(10_000) });
        return `status ${status}`;
      },
      { ...common, name: "fetch", actionType: "call_external_api" },
    ),
  };
}

async function runBash(command: string, cwd: string): Promise<string> {
  return await new Promise((done) => {
    execFile("bash", ["-c", command], { cwd, timeout: 30_000, maxBuffer: 1024 * 1024 }, (_error, stdout, stderr) =>
      done(`${stdout}${stderr}`),
    );
  });
}

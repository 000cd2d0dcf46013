import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { tool } from "ai";
import type { Tool } from "ai";
import { z } from "zod";

export interface ShellResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface Tools extends Record<string, Tool> {
  shell: Tool<{ command: string }, ShellResult>;
  write_file: Tool<{ path: string; content: string }, { written: string }>;
  fetch_url: Tool<{ url: string }, { status: number; text: string }>;
}

/** Real tools, as one would write them without Canopy: they run whatever they are given. `onFetch` is told each address before it is called. */
export function createTools(workspace: string, onFetch: (address: string) => void): Tools {
  return {
    shell: tool({
      description: "Run a command in bash, in the workspace",
      inputSchema: z.object({ command: z.string() }),
      execute: async ({ command }) => await runBash(command, workspace),
    }),
    write_file: tool({
      description: "Write a text file; a relative path starts in the workspace",
      inputSchema: z.object({ path: z.string(), content: z.string() }),
      execute: async ({ path, content }) => {
        const file = resolve(workspace, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
        return { written: file };
      },
    }),
    fetch_url: tool({
      description: "Fetch a web address",
      inputSchema: z.object({ url: z.string() }),
      execute: async ({ url }) => {
        onFetch(url);
        const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(10_000) });
        return { status: response.status, text: (await response.text()).slice(0, 2000) };
      },
    }),
  };
}

async function runBash(command: string, cwd: string): Promise<ShellResult> {
  return await new Promise((done) => {
    execFile("bash", ["-c", command], { cwd, timeout: 30_000, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      done({ exitCode, output: `${stdout}${stderr}` });
    });
  });
}

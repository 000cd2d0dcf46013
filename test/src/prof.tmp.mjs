import { evaluate, loadPolicy } from "@canopy-runtime/core/policy";
import { readFileSync } from "node:fs";
const all = readFileSync(new URL("../../packages/core/vectors/shell.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((l) => JSON.parse(l));
const cmds = all
  .filter((e) => e.kind === "benign")
  .map((e) => e.command)
  .filter((c) => c.length <= 60 && !/[\n`$<{(]/.test(c) && c.split("|").length <= 3);
const agentCtx = { cwd: "/repo", home: "/home/agent", safe_paths: ["/repo/", "/tmp/"], safe_hosts: ["api.good.com"] };
const policy = await loadPolicy({ name: "root", text: "version: 1\nextends: [canopy:default]\n" });
for (let r = 0; r < +process.env.R; r++)
  for (const command of cmds) evaluate(policy, { agentCtx, actionType: "execute_shell", payload: { command } });
if (process.env.T) {
  const s = {};
  for (let r = 0; r < 60; r++)
    for (const c of cmds) {
      const t = performance.now();
      evaluate(policy, { agentCtx, actionType: "execute_shell", payload: { command: c } });
      (s[c] ??= []).push((performance.now() - t) * 1000);
    }
  const m = Object.entries(s)
    .map(([c, v]) => [v.sort((a, b) => a - b)[30], c])
    .sort((a, b) => b[0] - a[0]);
  console.log(
    m
      .slice(0, 25)
      .map(([t, c]) => t.toFixed(1) + " " + c)
      .join("\n"),
  );
  const all = Object.values(s)
    .flat()
    .sort((a, b) => a - b);
  console.log(
    "p50",
    all[all.length >> 1].toFixed(1),
    "p90",
    all[Math.floor(all.length * 0.9)].toFixed(1),
    "p99",
    all[Math.floor(all.length * 0.99)].toFixed(1),
  );
}

import { cloneJson, evaluate, loadPolicy } from "@canopy-runtime/core/policy";
import type { ActionRequest, JsonObject, Policy } from "@canopy-runtime/core/policy";

/**
 * Evaluates policies of 10 to 1,000 rules in three shapes and prints the cost of one evaluation in microseconds, on requests that
 * were copied by `cloneJson` as the runtime does at its door:
 * - `actions`: two rules for each of n/2 action types;
 * - `roles`: n rules about one action type, told apart by role and environment;
 * - `texts`: n rules about shell commands, each with a text to search for, an environment and a role, of which an index can use the latter two.
 */
const shapes: Readonly<
  Record<string, (count: number) => { readonly rules: readonly unknown[]; readonly requests: readonly ActionRequest[] }>
> = {
  actions(count) {
    const rules = Array.from({ length: count / 2 }, (_, index) => [
      {
        action_type: `action_${index}`,
        allow: true,
        when_all: [
          `agent_ctx.role == "role_${index % 20}"`,
          `agent_ctx.env in ["dev", "staging", "production"]`,
          `payload.amount <= ${index + 100}`,
          `payload.path.startsWith("/workspace/")`,
        ],
      },
      {
        action_type: `action_${index}`,
        deny: true,
        when_any: [`agent_ctx.env == "production" && payload.amount > ${index / 2 + 50}`, `payload.path contains "secret"`],
      },
    ]).flat();
    return { rules, requests: requests((index) => `action_${(index * 7) % (count / 2)}`) };
  },
  roles(count) {
    const rules = Array.from({ length: count }, (_, index) => ({
      action_type: "deploy",
      decision: index % 2 === 0 ? "ALLOW" : "DENY",
      when_all: [
        `agent_ctx.role == "role_${index % Math.max(5, count / 5)}"`,
        `agent_ctx.env == "${environments[index % 3] ?? ""}"`,
        `payload.amount ${index % 2 === 0 ? "<=" : ">"} ${index}`,
      ],
    }));
    return { rules, requests: requests(() => "deploy") };
  },
  texts(count) {
    const rules = Array.from({ length: count }, (_, index) => ({
      action_type: "execute_shell",
      deny: true,
      when_all: [
        `agent_ctx.env == "${environments[index % 3] ?? ""}"`,
        `agent_ctx.role == "role_${index % Math.max(5, count / 5)}"`,
        `payload.command contains "danger_${index}"`,
      ],
    }));
    return { rules: [...rules, { action_type: "execute_shell", allow: true }], requests: requests(() => "execute_shell") };
  },
};

const environments = ["dev", "staging", "production"];

function requests(actionType: (index: number) => string): readonly ActionRequest[] {
  return Array.from({ length: 1024 }, (_, index) => ({
    actionType: actionType(index),
    agentCtx: cloneJson({ agent_id: `agent-${index}`, role: `role_${index % 20}`, env: environments[index % 3] ?? "" }) as JsonObject,
    payload: cloneJson({
      command: `ls -l /workspace/${index}`,
      amount: (index * 37) % 300,
      path: index % 9 === 0 ? "/etc/secret" : `/workspace/${index}`,
    }),
  }));
}

function measure(policy: Policy, asked: readonly ActionRequest[]): readonly number[] {
  const loop = (milliseconds: number): number => {
    const end = performance.now() + milliseconds;
    let count = 0;
    while (performance.now() < end) {
      for (const request of asked) evaluate(policy, request);
      count += asked.length;
    }
    return count / milliseconds;
  };
  loop(300);
  const perMillisecond = loop(500);
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    for (const request of asked) {
      const start = process.hrtime.bigint();
      evaluate(policy, request);
      times.push(Number(process.hrtime.bigint() - start) / 1000);
    }
  }
  times.sort((a, b) => a - b);
  return [times[Math.floor(times.length * 0.5)] ?? 0, times[Math.floor(times.length * 0.99)] ?? 0, 1000 / perMillisecond];
}

const counts = [10, 100, 1000];
console.log("shape     rules   load ms   median µs   p99 µs   mean µs");
for (const [shape, make] of Object.entries(shapes)) {
  for (const count of counts) {
    const { rules, requests: asked } = make(count);
    const started = performance.now();
    const policy = await loadPolicy({ name: "bench.yaml", text: JSON.stringify({ rules }) });
    const loaded = performance.now() - started;
    const [median = 0, late = 0, mean = 0] = measure(policy, asked);
    const cells = [count, loaded.toFixed(0), median.toFixed(2), late.toFixed(2), mean.toFixed(2)];
    console.log(`${shape.padEnd(9)} ${cells.map((cell, index) => String(cell).padStart([5, 9, 11, 8, 9][index] ?? 8)).join(" ")}`);
  }
}

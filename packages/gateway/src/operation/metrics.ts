import type { Decision, Policy } from "@canopy-runtime/core";

/** What the gateway counts, in the text format of Prometheus (0.0.4). */
export interface Metrics {
  /** One answer, and the seconds that it took. `actionTypes` are counted by the name that the policy knows, else as `other`. */
  decided(decision: Decision, actionType: string, seconds: number): void;
  answered(route: string, status: number): void;
  /** The policy was loaded, or could not be. */
  loaded(policy: Policy): void;
  reloadFailed(): void;
  text(): string;
}

/** What is true at the moment that somebody asks. */
export interface Gauges {
  readonly inFlight: number;
  readonly heldBytes: number;
  readonly ready: boolean;
  readonly policyStale: boolean;
  readonly logWritable: boolean;
  readonly appended: number;
  readonly appendFailures: number;
  readonly approvalsWaiting?: number;
}

const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** No policy names so many action types that this is in the way; it bounds what a row of policies may add up to. */
const mostActionTypes = 500;

export function createMetrics(gauges: () => Gauges): Metrics {
  const known = new Set<string>();
  const decisions = new Map<string, number>();
  const answers = new Map<string, number>();
  const latencies = buckets.map(() => 0);
  let latencySum = 0;
  let latencyCount = 0;
  let digest = "";
  let reloads = 0;
  let failedReloads = 0;

  function text(): string {
    const now = gauges();
    const cumulative = latencies.reduce<number[]>((sums, count) => [...sums, (sums.at(-1) ?? 0) + count], []);
    const families: readonly Family[] = [
      ["canopy_decisions_total", "counter", "Answers, by decision and by action type as the policy names it.", [...decisions]],
      [
        "canopy_decision_seconds",
        "histogram",
        "From a request that was understood to its answer on record.",
        [
          ...buckets.map((bound, index): Sample => [`_bucket{le="${bound}"}`, cumulative[index] ?? 0]),
          ['_bucket{le="+Inf"}', latencyCount],
          ["_sum", latencySum],
          ["_count", latencyCount],
        ],
      ],
      ["canopy_http_answers_total", "counter", "Answers, by route and status.", [...answers]],
      ["canopy_decisions_waiting", "gauge", "Requests whose answer is being made or put on record.", [["", now.inFlight]]],
      ["canopy_body_bytes_held", "gauge", "Bytes of requests that are not read to their end.", [["", now.heldBytes]]],
      ["canopy_ready", "gauge", "1 while /readyz says so.", [["", Number(now.ready)]]],
      ["canopy_policy_info", "gauge", "The policy in force, by its digest.", digest === "" ? [] : [[`{digest="${digest}"}`, 1]]],
      [
        "canopy_policy_stale",
        "gauge",
        "1 while the policy in force is not the one in the file, which does not load.",
        [["", Number(now.policyStale)]],
      ],
      ["canopy_policy_loads_total", "counter", "Policies that were put in force.", [["", reloads]]],
      ["canopy_policy_load_failures_total", "counter", "Policies that were not put in force.", [["", failedReloads]]],
      ["canopy_audit_writable", "gauge", "1 while the last entry could be put on record.", [["", Number(now.logWritable)]]],
      ["canopy_audit_entries_total", "counter", "Entries that this process put on record.", [["", now.appended]]],
      ["canopy_audit_failures_total", "counter", "Entries that could not be put on record.", [["", now.appendFailures]]],
      ...(now.approvalsWaiting === undefined
        ? []
        : [["canopy_approvals_waiting", "gauge", "Requests that wait for a person.", [["", now.approvalsWaiting]]] satisfies Family]),
      ["process_resident_memory_bytes", "gauge", "Resident memory.", [["", process.memoryUsage.rss()]]],
    ];
    return families.map(familyText).join("");
  }

  return {
    decided(decision, actionType, seconds) {
      const label = known.has(actionType) ? actionType : "other";
      add(decisions, labelsOf("decision", decision, "action_type", label));
      const index = buckets.findIndex((bound) => seconds <= bound);
      if (index >= 0) latencies[index] = (latencies[index] ?? 0) + 1;
      latencySum += seconds;
      latencyCount += 1;
    },
    answered(route, status) {
      add(answers, labelsOf("route", route, "status", String(status)));
    },
    loaded(policy) {
      reloads += 1;
      digest = policy.digest;
      for (const actionType of policy.rules.flatMap((rule) => rule.actionTypes)) {
        if (known.size < mostActionTypes && !actionType.includes("*")) known.add(actionType);
      }
    },
    reloadFailed() {
      failedReloads += 1;
    },
    text,
  };
}

type Sample = readonly [labels: string, value: number];
type Family = readonly [name: string, type: string, help: string, samples: readonly Sample[]];

function familyText([name, type, help, samples]: Family): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join("")}`;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function labelsOf(first: string, value: string, second: string, other: string): string {
  return `{${first}="${escapeLabel(value)}",${second}="${escapeLabel(other)}"}`;
}

function escapeLabel(value: string): string {
  if (/^[\w ./:*-]*$/.test(value)) return value;
  return value
    .replaceAll("\\", String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll("\n", String.raw`\n`);
}

import type { Decision, EntryFilter } from "@canopy-runtime/core";
import { readTime } from "./commands/audit/log-path.ts";
import { UsageError } from "./usage-error.ts";

/** Options that say which entries of a log are meant, for `parseArgs`; the same for every command that reads one. */
export const filterOptions = {
  since: { type: "string" },
  until: { type: "string" },
  avid: { type: "string" },
  action: { type: "string" },
  decision: { type: "string" },
  rule: { type: "string" },
  trace: { type: "string" },
} as const;

/** What `--help` says of them. */
export const filterHelp = `  --since TIME       written at or after: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90s, 15m, 2h, 7d
  --until TIME       written before
  --decision WORD    ALLOW, REQUIRE_APPROVAL or DENY: what was answered, or where the runtime only observed would have been
  --action TYPE      of one of the actions, such as execute_shell
  --avid AVID        by this agent
  --rule ID          decided by this rule
  --trace ID         of this run
`;

export type FilterValues = Readonly<Partial<Record<keyof typeof filterOptions, string>>>;

/** Throws a `UsageError` for a time or a decision that is none. */
export function readFilter({ since, until, avid, action, decision, rule, trace }: FilterValues): EntryFilter {
  return {
    ...(since === undefined ? {} : { since: readTime("--since", since) }),
    ...(until === undefined ? {} : { until: readTime("--until", until) }),
    ...(avid === undefined ? {} : { avid }),
    ...(action === undefined ? {} : { actionType: action }),
    ...(decision === undefined ? {} : { decision: readDecision(decision) }),
    ...(rule === undefined ? {} : { rule }),
    ...(trace === undefined ? {} : { traceId: trace }),
  };
}

function readDecision(text: string): Decision {
  if (text === "ALLOW" || text === "REQUIRE_APPROVAL" || text === "DENY") return text;
  throw new UsageError(`--decision is \`${text}\`, not ALLOW, REQUIRE_APPROVAL or DENY`);
}

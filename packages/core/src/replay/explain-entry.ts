import { entryId } from "../audit/index.ts";
import type { AuditEntry } from "../audit/index.ts";
import { readAuditLog } from "../audit/read.ts";
import { CanopyError } from "../errors.ts";
import type { PolicySource } from "../policy/policy.ts";
import { explainAction } from "../runtime/explain-action.ts";
import type { ActionExplanation } from "../runtime/explain-action.ts";
import { judgeRequest } from "../runtime/judgement.ts";
import type { Judgement } from "../runtime/judgement.ts";
import { loadPolicyFrom } from "../runtime/policy-file.ts";
import { engineVersion } from "../version.ts";
import { readDecision } from "./recorded-decision.ts";
import type { RecordedAnswer } from "./recorded-decision.ts";
import { createRecordedInputs } from "./recorded-inputs.ts";
import { withhold } from "./withheld.ts";

/** A decision as it is on record, and why a policy answers it so. */
export interface EntryExplanation {
  readonly recorded: RecordedAnswer;
  /** The policy that is explained: the recorded one, or the one that was given. */
  readonly policyDigest: string;
  /** Whether the engine that explains is of the version that judged. */
  readonly isSameEngine: boolean;
  /** What that policy answers to the call as a whole, also to what is not known of it. */
  readonly now: Pick<Judgement, "decision" | "reason" | "rules">;
  /** For each action, in order. */
  readonly actions: readonly ActionExplanation[];
}

/** See `explainEntry` of the package. */
export async function explainEntry(path: string, entry: number | string, given?: string | PolicySource): Promise<EntryExplanation> {
  const seq = typeof entry === "number" ? entry : Number(/^\d{1,15}(?=-|$)/.exec(entry)?.[0]);
  if (!Number.isSafeInteger(seq) || seq < 0) throw refusal(`\`${entry}\` is neither the number nor the id of an entry`);
  const inputs = createRecordedInputs();
  let found: AuditEntry | undefined;
  for await (const record of readAuditLog(path)) {
    if (record.entry === null) continue;
    inputs.add(record.entry);
    if (record.entry.seq !== seq) continue;
    found = record.entry;
    break;
  }
  if (found === undefined) throw refusal(`there is no entry ${seq} in \`${path}\``);
  if (typeof entry === "string" && entry.includes("-") && entryId(found) !== entry) throw refusal(`entry ${seq} is not \`${entry}\``);
  if (found.type !== "decision") throw refusal(`entry ${seq} is a \`${found.type.slice(0, 64)}\`, not a decision`);
  const recorded = readDecision(found);
  if (recorded.kind !== "decision") throw refusal(`entry ${seq} cannot be explained: ${recorded.why}`);
  const { agentCtx, actions, isRedacted, ownFiles: list, kind: _, ...answer } = recorded;
  if (given === undefined && recorded.policyDigest === null) throw refusal(`entry ${seq} was answered with no policy in force`);
  const policy = given === undefined ? await inputs.policy(recorded.policyDigest ?? "") : await loadPolicyFrom(given);
  if (policy === null) throw refusal(`the policy of entry ${seq} is not on record in a form that this version reads; name one`);
  const ownFiles = inputs.ownFiles(list);
  if (ownFiles === undefined) throw refusal(`the list of Canopy's own files that entry ${seq} rests on is not on record`);
  let isAskedFor = false;
  const notice = (): void => {
    isAskedFor = true;
  };
  const context = { agentCtx: withhold(agentCtx, notice) as typeof agentCtx, ownFiles };
  const withheld = actions.map((action) => ({ ...action, payload: withhold(action.payload, notice) }));
  const { decision, reason, rules } = judgeRequest(policy, { ...context, actions: withheld });
  const explained = withheld.map((action) => explainAction(policy, action, context));
  if (isRedacted && isAskedFor) throw refusal(`entry ${seq} cannot be explained: conditions ask for what is redacted in it`);
  return {
    recorded: answer,
    policyDigest: policy.digest,
    isSameEngine: recorded.engine === engineVersion,
    now: { decision, reason, rules },
    actions: explained,
  };
}

function refusal(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}

import { policyEntries } from "../audit/index.ts";
import type { AuditSink } from "../audit/index.ts";
import type { Policy } from "../policy/policy.ts";

/** Puts the text of every source of the policy on record, so that each decision can be judged again later; not again where the sink has it. */
export async function recordPolicy(sink: AuditSink, policy: Policy): Promise<void> {
  const entries = [...policy.sources].flatMap(([name, text]) => policyEntries(policy.digest, name, text));
  if ((await sink.holdsPolicy?.(policy.digest, entries.length)) === true) return;
  await Promise.all(entries.map(async (each) => await sink.append(each)));
}

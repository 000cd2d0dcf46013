import { policyEntries } from "../audit/index.ts";
import type { AuditSink } from "../audit/index.ts";
import type { Policy } from "../policy/policy.ts";
import type { OwnFiles } from "./own-files.ts";

/**
 * Puts on record, before the first decision that rests on them and once more in each segment of the log, the text of the policy and the files that
 * count as Canopy's own: with both, and what the disk said, each decision can be judged again later.
 */
export function createInputsRecorder(log: AuditSink): (policy: Policy, ownFiles: OwnFiles) => Promise<void> {
  const known = new Map<string, { readonly segment: number; readonly recorded: Promise<void> }>();

  async function once(what: string, record: () => Promise<void>): Promise<void> {
    const segment = log.segment?.() ?? 0;
    let each = known.get(what);
    if (each?.segment !== segment) {
      each = { segment, recorded: record() };
      known.set(what, each);
      // What failed is tried again for the next decision.
      each.recorded.catch(() => known.delete(what));
    }
    await each.recorded;
  }

  return async (policy, { digest, files }) => {
    await once(policy.digest, async () => await recordPolicy(log, policy));
    if (digest !== null) await once(`files ${digest}`, async () => await recordFiles(log, digest, files));
  };
}

/** Not again where the sink has them. */
async function recordPolicy(sink: AuditSink, policy: Policy): Promise<void> {
  const entries = [...policy.sources].flatMap(([name, text]) => policyEntries(policy.digest, name, text));
  if ((await sink.holdsPolicy?.(policy.digest, entries.length)) === true) return;
  await Promise.all(entries.map(async (each) => await sink.append(each)));
}

async function recordFiles(sink: AuditSink, digest: string, files: readonly string[]): Promise<void> {
  if ((await sink.holdsFiles?.(digest)) === true) return;
  await sink.append({ type: "host.files", digest, files });
}

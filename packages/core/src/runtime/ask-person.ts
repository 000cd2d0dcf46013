import type { Approvals } from "../approval/approvals.ts";
import { actionDigest, actionText } from "../approval/digest.ts";
import type { ApprovableAction } from "../approval/digest.ts";
import type { Keeper, KeeperParts } from "../approval/keeper.ts";
import type { Settled, Used } from "../approval/settle.ts";
import type { AppendedEntry } from "../audit/index.ts";
import { CanopyError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { actionFields, decisionEntry, rulesEntry } from "./decision-entry.ts";
import type { Answered } from "./decision-entry.ts";
import type { RequestData } from "./judge.ts";
import type { Judgement } from "./judgement.ts";
import type { Disk } from "./look-up-paths.ts";

export interface RuntimeApprovalsParts extends KeeperParts {
  readonly ownFiles: readonly string[];
}

/** The approvals of a runtime: what keeps them is loaded when policy first wants a person to be asked. */
export class RuntimeApprovals {
  readonly ownFiles: readonly string[];
  readonly volatile: ReadonlySet<string>;
  readonly #parts: KeeperParts;
  #keeper: Promise<Keeper> | undefined;
  #isClosed = false;

  constructor(parts: RuntimeApprovalsParts) {
    this.#parts = parts;
    this.ownFiles = parts.ownFiles;
    this.volatile = parts.settings.volatile;
  }

  async keeper(): Promise<Keeper> {
    if (this.#isClosed) throw new CanopyError("APPROVALS_UNAVAILABLE", "canopy is closed");
    this.#keeper ??= import("../approval/keeper.ts").then(({ Keeper: Keeping }) => new Keeping(this.#parts));
    return await this.#keeper;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#keeper)?.close();
  }
}

/** The methods for those who decide, loaded when one is first called. */
export function approvalsOfRuntime(approvals: RuntimeApprovals | null): Approvals {
  const methods = async (): Promise<Approvals> => {
    if (approvals === null) throw new CanopyError("APPROVALS_UNAVAILABLE", "this runtime keeps no approvals");
    const { approvalsOf } = await import("../approval/approvals.ts");
    return approvalsOf(await approvals.keeper());
  };
  return {
    list: async (options) => await (await methods()).list(options),
    get: async (id) => await (await methods()).get(id),
    decide: async (id, decision) => await (await methods()).decide(id, decision),
    cancel: async (id, by) => await (await methods()).cancel(id, by),
    wait: async (id, options) => await (await methods()).wait(id, options),
  };
}

/**
 * Looks for an approval of exactly this action, and uses it; asks for one where there is none. Answers with what is to be recorded, or with the entry
 * where that has been done: using an approval and recording the decision are one step. What goes wrong is DENY.
 */
export async function askPerson(
  approvals: RuntimeApprovals,
  data: RequestData,
  base: Answered,
): Promise<{ readonly answered: Answered; readonly entry: AppendedEntry | null }> {
  const { judgement, digest } = base;
  const text = actionText(approvable(data, judgement, digest), approvals.volatile);
  const [keeper, { settle }, { agentNames }] = await Promise.all([
    approvals.keeper(),
    import("../approval/settle.ts"),
    import("../approval/names.ts"),
  ]);
  let settled: Settled;
  try {
    settled = await settle(keeper, {
      text,
      avid: data.avid,
      agentNames: agentNames(data.agentCtx),
      severity: judgement.severity,
      fields: requestFields(data, base),
      record: (used) => decisionEntry(data, approved(base, used)),
    });
  } catch (error) {
    settled = {
      kind: "refused",
      reason: `a person would have to be asked: ${error instanceof Error ? error.message : String(error)}`,
      id: null,
    };
  }
  if (settled.kind === "used") return { answered: approved(base, settled.approval), entry: settled.entry };
  if (settled.kind === "asked") {
    const reason = settled.because === null ? judgement.reason : `${judgement.reason}; ${settled.because}`;
    return { answered: { ...base, approvalId: settled.id, judgement: { ...judgement, reason } }, entry: null };
  }
  const reason = `${settled.reason} (${judgement.reason})`;
  return { answered: { ...base, decision: "DENY", approvalId: settled.id, judgement: { ...judgement, reason } }, entry: null };
}

function approved(base: Answered, used: Used): Answered {
  const reason = `\`${used.decidedBy}\` approved it (\`${used.id}\`, ${used.assurance}): ${base.judgement.reason}`;
  return { ...base, decision: "ALLOW", approvalId: used.id, used, judgement: { ...base.judgement, reason } };
}

/** Names an action that nobody is asked about: the same action has the same name, and nothing waits under it. */
export function unkeptId(data: RequestData, judgement: Judgement, policyDigest: string | null): string {
  return `APR-${actionDigest(actionText(approvable(data, judgement, policyDigest), new Set())).slice(0, 32)}`;
}

function approvable(data: RequestData, judgement: Judgement, policyDigest: string | null): ApprovableAction {
  const { tool, actions, agentCtx } = data;
  return {
    tool: tool === null ? null : { name: tool.name, args: tool.args, toctou: tool.toctou },
    actions: actions.map((action, index) => {
      const { disk = null, named = [] } = judgement.actions[index] ?? {};
      return { ...action, leadsTo: leadsTo(disk ?? {}, named) };
    }),
    agentCtx,
    policyDigest,
  };
}

/**
 * Where the disk says that paths lead, where it is elsewhere than they say. Whatever a link is turned to after somebody looked, it is not what they said
 * yes to; nor where it leads if nobody can tell by then. What is said beside a path is none: those are absolute.
 */
function leadsTo(disk: Disk, named: readonly string[]): Readonly<Record<string, string>> {
  const leads = new Map<string, string>();
  for (const [path, { real }] of Object.entries(disk)) if (real !== path) leads.set(path, real);
  for (const path of named) {
    const { real, links } = disk[path] ?? { real: null, links: 0 };
    if (real === null) leads.set(path, "not known");
    else if (links > 1) leads.set(path, `one of several names of ${real}`);
  }
  return Object.fromEntries(leads);
}

function requestFields(data: RequestData, { judgement, digest, traceId }: Answered): JsonObject {
  const fields: Record<string, JsonValue | undefined> = {
    avid: data.avid,
    agent_ctx: data.agentCtx,
    ...actionFields(data, judgement),
    reason: judgement.reason,
    rules: rulesEntry(judgement.rules),
    policy_digest: digest,
    trace_id: traceId,
  };
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

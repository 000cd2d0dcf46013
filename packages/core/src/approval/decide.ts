import { scrub } from "../audit/scrub.ts";
import { CanopyError } from "../errors.ts";
import { isJsonObject, member } from "../json.ts";
import type { JsonValue } from "../json.ts";
import type { Keeper } from "./keeper.ts";
import { agentNames, isOneOf } from "./names.ts";
import { publicKeyOf, readApproverKey, signDecision, verifyDecision } from "./signature.ts";
import type { SignedDecision } from "./signature.ts";
import type { Standing } from "./standing.ts";
import type { ApprovalStore, StoredApproval } from "./store.ts";

/** What a person says to a request. */
export interface DecideOptions {
  readonly decision: "approve" | "deny";
  /** Who decides; with a key, the name of the key where it is left out. At most 200 characters. */
  readonly by?: string;
  /** Why, for the record; at most 2,000 characters. What it quotes of things that the log does not hold is left out there. */
  readonly note?: string;
  /** A file with the approver's key: the decision is signed, and its assurance is `key`. */
  readonly keyPath?: string;
  /** The digest of what the person was shown; where it is not the request's, the decision does not count. */
  readonly digest?: string;
}

export interface CancelOptions {
  readonly by: string;
  readonly note?: string;
}

/** Puts the decision on record, and then into the store. Throws `APPROVAL_REFUSED`. */
export async function decideOn(keeper: Keeper, id: string, { decision, by, note, keyPath, digest }: DecideOptions): Promise<void> {
  if (decision !== "approve" && decision !== "deny") throw refusal(`\`${String(decision)}\` is no decision: it is \`approve\` or \`deny\``);
  const signer = keyPath === undefined ? null : readApproverKey(keyPath);
  const person = readName(by ?? signer?.key.name);
  const said = readNote(note);
  await keeper.exclusive(async (store, append) => {
    const { row, standing } = await find(keeper, store, id);
    const { state, problem, requested } = standing;
    if (problem !== null) throw refusal(`\`${id}\` cannot be decided: ${problem}`);
    if (state !== "pending" || requested === null) throw refusal(`\`${id}\` cannot be decided any more: ${became(standing)}`);
    if (digest !== undefined && digest !== row.digest) throw refusal(`\`${id}\` is not what was shown`);
    if (decision === "approve") {
      const key = signer === null ? [] : [publicKeyOf(signer)];
      if ([person, ...key].some((each) => isOneOf(each, namesOf(row))))
        throw refusal(`\`${person}\` asks for it, and whoever asks does not decide`);
      if (requested.wants === "key" && signer === null) {
        throw refusal(`a rule of severity ${String(requested.severity)} asks, and the host wants the signature of an approver's key`);
      }
    }
    const at = keeper.now();
    const signed = { id, digest: row.digest, decision, by: person, at };
    const signature = signer === null ? null : { signature: signDecision(signed, signer), key: publicKeyOf(signer) };
    if (decision === "approve" && signature !== null) refuseStranger(keeper, signed, signature.signature);
    await append({
      type: "approval.decided",
      approval_id: id,
      digest: row.digest,
      avid: row.avid,
      decision,
      decided_by: person,
      decided_at: new Date(at).toISOString(),
      assurance: signature === null ? "same_user" : "key",
      note: said === null ? null : scrub(said, await leftOut(keeper, row)),
      ...signature,
    });
    await keeper.mark(store, id, ["pending"], decision === "approve" ? "approved" : "denied");
  });
}

/** Also where the request cannot be relied on: that is how a person clears it away. */
export async function cancel(keeper: Keeper, id: string, { by, note }: CancelOptions): Promise<void> {
  const person = readName(by);
  const said = readNote(note);
  await keeper.exclusive(async (store, append) => {
    const { row, standing } = await find(keeper, store, id);
    const { state, problem } = standing;
    if (problem === null && (state === "used" || state === "cancelled" || state === "expired")) {
      throw refusal(`\`${id}\` cannot be cancelled any more: ${became(standing)}`);
    }
    await append({
      type: "approval.cancelled",
      approval_id: id,
      digest: row.digest,
      avid: row.avid,
      decided_by: person,
      note: said === null ? null : scrub(said, await leftOut(keeper, row).catch(() => [row.action])),
      ...(problem === null ? {} : { why: problem }),
    });
    await keeper.mark(store, id, ["pending", "approved", "reserved", "denied", "expired", "used"], "cancelled");
  });
}

async function find(
  keeper: Keeper,
  store: ApprovalStore,
  id: string,
): Promise<{ readonly row: StoredApproval; readonly standing: Standing }> {
  const row = await store.get(id);
  if (row === null || row.origin !== keeper.origin) throw refusal(`there is no request \`${id}\``);
  const [standing] = await keeper.standings([row]);
  if (standing === undefined) throw refusal(`there is no request \`${id}\``);
  return { row, standing };
}

/** Where this runtime lists approvers, a yes of somebody else is refused at once, and not only when it is used. */
function refuseStranger({ settings }: Keeper, signed: SignedDecision, signature: string): void {
  if (settings.approvers.length === 0) return;
  if (verifyDecision(signed, signature, settings.approvers) === null) {
    throw refusal(`the key is not one that the host lists for \`${signed.by}\``);
  }
}

/** What the agent that asks calls itself. */
function namesOf(row: StoredApproval): readonly string[] {
  const action = JSON.parse(row.action) as JsonValue;
  const context = isJsonObject(action) ? member(action, "agent_ctx") : undefined;
  return isJsonObject(context) ? agentNames(context) : [];
}

/** The texts of the action that the log holds commitments to: what is said about the action must not tell them after all. */
async function leftOut(keeper: Keeper, row: StoredApproval): Promise<readonly string[]> {
  const logged = await keeper.entry(row.requestedSeq);
  const action = JSON.parse(row.action) as JsonValue;
  if (!isJsonObject(action)) return [];
  const shown = new Set(textsOf(logged));
  return textsOf(action).filter((text) => !shown.has(text));
}

function textsOf(value: JsonValue): readonly string[] {
  const texts: string[] = [];
  const rest: JsonValue[] = [value];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === "string") texts.push(next);
    else if (typeof next === "number") texts.push(String(next));
    else if (isJsonObject(next)) rest.push(...Object.keys(next), ...Object.values(next));
    else if (Array.isArray(next)) rest.push(...(next as readonly JsonValue[]));
  }
  return texts;
}

function became({ state, decided, cancelledBy }: Standing): string {
  if (state === "approved" || state === "denied") return `\`${String(decided?.by)}\` ${state} it`;
  if (state === "used") return "it was used";
  return state === "cancelled" ? `\`${cancelledBy ?? "somebody"}\` cancelled it` : "its time is over";
}

function readName(by: unknown): string {
  if (typeof by === "string" && /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u.test(by) && by.trim() === by && by.isWellFormed()) return by;
  throw refusal("`by` does not name a person, in 1 to 200 visible characters");
}

function readNote(note: unknown): string | null {
  if (note === undefined || note === "") return null;
  if (typeof note === "string" && note.length <= 2000 && note.isWellFormed()) return note;
  throw refusal("`note` is not a text of up to 2000 characters");
}

function refusal(message: string): CanopyError {
  return new CanopyError("APPROVAL_REFUSED", message);
}

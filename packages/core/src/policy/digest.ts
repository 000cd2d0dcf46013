import type { ActionBinding } from "./bindings.ts";
import type { Decision } from "./decision.ts";

/** What a policy means: everything that can change an answer or what is said with it, and nothing else. */
export interface PolicyMeaning {
  readonly default: Decision;
  /** Each rule with its id, in any order. */
  readonly rules: readonly { readonly id: string; readonly canonical: string }[];
  readonly exceptions: readonly { readonly rule: string; readonly canonical: string }[];
  readonly bindings: ReadonlyMap<string, readonly ActionBinding[]>;
}

/** SHA-256 in hex over one canonical text of the meaning. */
export async function policyDigest(meaning: PolicyMeaning): Promise<string> {
  const rules = meaning.rules.map(({ id, canonical }) => [id, canonical]).toSorted(byText);
  const exceptions = meaning.exceptions.map(({ rule, canonical }) => [rule, canonical]).toSorted(byText);
  const bindings = [...meaning.bindings].map(([tool, actions]) => [tool, actions.map(canonicalBinding).toSorted(byText)]).toSorted(byText);
  return await sha256(JSON.stringify(["canopy-policy/1", meaning.default, rules, exceptions, bindings]));
}

/** SHA-256 over the UTF-8 of `text`, in hex. */
export async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function canonicalBinding({ actionType, payload, ignore }: ActionBinding): unknown {
  return [actionType, Object.entries(payload).toSorted(byText), ignore.toSorted()];
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

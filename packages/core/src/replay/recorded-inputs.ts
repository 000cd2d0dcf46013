import type { AuditEntry } from "../audit/index.ts";
import type { JsonValue } from "../json.ts";
import type { Policy } from "../policy/policy.ts";
import { defaultPolicyName } from "../policy/policy.ts";
import { ownFilesDigest } from "../runtime/own-files.ts";

/** What a log holds beside its decisions so that they can be judged again: the texts of policies, and which files counted as Canopy's own. */
export interface RecordedInputs {
  /** Takes in an entry; others than `policy.loaded` and `host.files` are passed over. */
  readonly add: (entry: AuditEntry) => void;
  /** The policy with this digest, made from its recorded text; null where that is not on record, not whole, or gives another digest. */
  readonly policy: (digest: string) => Promise<Policy | null>;
  /** The files of the list with this digest, none for null; undefined where the list is not on record. */
  readonly ownFiles: (digest: string | null) => readonly string[] | undefined;
}

/** Texts are kept up to so many characters, and policies and lists up to so many; past that the oldest are dropped: each segment has them anew. */
const mostCharacters = 32 * 1024 * 1024;
const mostTexts = 4096;
const mostPolicies = 256;
/** Files of a policy, and texts of one name. */
const mostNames = 65;
const mostVersions = 8;
/** Loading takes its time: a log that was made to have it done without end gets no more than this, for one policy and in all. */
const mostTries = 64;
const mostTriesInAll = 5000;
const mostLists = 1024;

export function createRecordedInputs(): RecordedInputs {
  const texts = new Map<string, RecordedTexts>();
  const policies = new Map<string, Promise<Policy | null>>();
  const lists = new Map<string, readonly string[]>();
  const tries = new Map<string, number>();
  let triesInAll = 0;
  let characters = 0;

  function mayTry(digest: string): boolean {
    const before = tries.get(digest) ?? 0;
    if (before >= mostTries || triesInAll >= mostTriesInAll) return false;
    tries.set(digest, before + 1);
    triesInAll += 1;
    return true;
  }

  function addPolicy(members: AuditEntry["members"]): void {
    const { policy_digest: digest, name, part, parts, text } = members;
    if (typeof digest !== "string" || typeof name !== "string" || typeof text !== "string") return;
    if (!isCount(part) || !isCount(parts) || part > parts || parts > mostTexts) return;
    let known = texts.get(digest);
    if (known === undefined) texts.set(digest, (known = new Map()));
    const sources = known.get(name) ?? [];
    if (sources.some((source) => source.parts === parts && source.texts.get(part) === text)) return;
    // Two processes may record the same policy from files of one name and other layout: each part goes to the first that lacks it.
    let source = sources.find((each) => each.parts === parts && !each.texts.has(part));
    if (source === undefined) {
      if (sources.length >= mostVersions || (known.size >= mostNames && !known.has(name))) return;
      known.set(name, [...sources, (source = { parts, texts: new Map() })]);
    }
    source.texts.set(part, text);
    characters += text.length;
    // What was tried without this part is tried again.
    policies.delete(digest);
    for (const [oldest, dropped] of texts) {
      if (characters <= mostCharacters && texts.size <= mostTexts) break;
      if (oldest === digest) continue;
      texts.delete(oldest);
      characters -= lengthOf(dropped);
    }
  }

  return {
    add: ({ type, members }) => {
      if (type === "policy.loaded") addPolicy(members);
      else if (type === "host.files") {
        const files = readFiles(members["files"]);
        const { digest } = members;
        // A list that does not give its digest is not the one that decisions name.
        if (files === null || typeof digest !== "string" || ownFilesDigest(files) !== digest || lists.has(digest)) return;
        lists.set(digest, files);
        if (lists.size > mostLists) dropOldest(lists);
      }
    },
    policy: async (digest) => {
      let policy = policies.get(digest);
      if (policy === undefined) {
        policy = rebuild(digest, texts.get(digest), mayTry);
        policies.set(digest, policy);
        if (policies.size > mostPolicies) dropOldest(policies);
      }
      return await policy;
    },
    ownFiles: (digest) => (digest === null ? [] : lists.get(digest)),
  };
}

/** The texts of one policy by the name of their source, in the order in which they were recorded: the root comes first. */
type RecordedTexts = Map<string, readonly RecordedText[]>;

interface RecordedText {
  readonly parts: number;
  readonly texts: Map<number, string>;
}

/** Loads the policy from each source that may be its root until one gives the digest. */
async function rebuild(digest: string, recorded: RecordedTexts | undefined, mayTry: (digest: string) => boolean): Promise<Policy | null> {
  if (recorded === undefined) return null;
  const { assemblePolicy } = await import("../policy/assemble.ts");
  const sources = new Map<string, readonly string[]>();
  for (const [name, versions] of recorded) sources.set(name, versions.flatMap(joined));
  const newest = (name: string): string | undefined => sources.get(name)?.at(-1);
  const bundled = newest(defaultPolicyName);
  for (const [name, versions] of sources) {
    for (const text of versions) {
      if (!mayTry(digest)) return null;
      try {
        const policy = await assemblePolicy(
          { name, text },
          {
            read: async (wanted) => {
              const found = newest(wanted);
              if (found === undefined) throw new Error("it is not on record");
              return await Promise.resolve({ name: wanted, text: found });
            },
          },
          bundled,
        );
        if (policy.digest === digest) return policy;
      } catch {
        // Not a root by itself, not whole, or of a language that this version does not read.
      }
    }
  }
  return null;
}

function joined({ parts, texts }: RecordedText): readonly string[] {
  const all = Array.from({ length: texts.size === parts ? parts : 0 }, (_, index) => texts.get(index + 1) ?? "");
  return all.length === 0 ? [] : [all.join("")];
}

function lengthOf(recorded: RecordedTexts): number {
  let length = 0;
  for (const sources of recorded.values()) for (const { texts } of sources) for (const text of texts.values()) length += text.length;
  return length;
}

function readFiles(value: JsonValue | undefined): readonly string[] | null {
  if (!Array.isArray(value)) return null;
  const files: readonly JsonValue[] = value;
  return files.every((file) => typeof file === "string") ? files : null;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function dropOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

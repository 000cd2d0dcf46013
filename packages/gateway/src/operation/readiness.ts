import { policyEntries, verifyAuditLog } from "@canopy-runtime/core";
import type { Canopy } from "@canopy-runtime/core";

import type { KeyStore } from "../auth/key-store.ts";
import type { WatchedLog } from "./watched-log.ts";

/** What `/readyz` says. No names, paths or digests: it asks for no key. */
export interface ReadinessReport {
  readonly ready: boolean;
  /** `stale`: the file does not load, and the policy before it is still in force. */
  readonly policy: "in force" | "stale" | "none";
  readonly log: "verified" | "being verified" | "not sound" | "not writable";
  readonly keys: "readable" | "not readable" | "none";
  readonly stopping: boolean;
}

/** Whether traffic should come here. */
export interface Readiness {
  report(): Promise<ReadinessReport>;
  /** What the last report said, without looking again. */
  readonly last: boolean;
  stale: boolean;
  stopping: boolean;
  /** Reads the log to its end and remembers what it showed. */
  verify(signal: AbortSignal): Promise<string>;
}

/** While the log cannot be written nobody sends requests, so readiness tries by itself; not more often than that. */
const probeMs = 2000;

export function watchReadiness(canopy: Canopy, log: WatchedLog, keys: KeyStore | null): Readiness {
  let verdict: "verified" | "being verified" | "not sound" = "being verified";
  let lastProbe = -probeMs;
  const readiness = {
    last: false,
    stale: false,
    stopping: false,
    async report(): Promise<ReadinessReport> {
      const policy = await policyState(canopy, readiness.stale);
      if (!log.writable && performance.now() - lastProbe > probeMs) {
        lastProbe = performance.now();
        await probe(canopy, log);
      }
      const keyState = await keysState(keys);
      const logState = log.writable ? verdict : "not writable";
      const ready = policy !== "none" && logState === "verified" && keyState !== "not readable" && !readiness.stopping;
      readiness.last = ready;
      return { ready, policy, log: logState, keys: keyState, stopping: readiness.stopping };
    },
    async verify(signal: AbortSignal): Promise<string> {
      const found = await verifyAuditLog(log.path, { signal });
      verdict = found.kind === "valid" ? "verified" : "not sound";
      return "why" in found ? `${found.kind}: ${found.why}` : found.kind;
    },
  };
  return readiness;
}

async function policyState(canopy: Canopy, isStale: boolean): Promise<ReadinessReport["policy"]> {
  try {
    await canopy.policy();
    return isStale ? "stale" : "in force";
  } catch {
    return "none";
  }
}

async function keysState(keys: KeyStore | null): Promise<ReadinessReport["keys"]> {
  if (keys === null) return "none";
  try {
    await keys.check();
    return "readable";
  } catch {
    return "not readable";
  }
}

/** Offers the log an entry that says nothing new: the text of the policy in force once more. */
async function probe(canopy: Canopy, log: WatchedLog): Promise<void> {
  try {
    const { digest, sources } = await canopy.policy();
    const [source = ["", ""]] = sources;
    const [entry] = policyEntries(digest, ...source);
    if (entry !== undefined) await log.append(entry);
  } catch {
    // The log says so itself.
  }
}

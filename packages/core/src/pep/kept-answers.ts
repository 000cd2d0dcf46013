import canonicalize from "canonicalize";

import type { AuthorizationRequest, Authorizer } from "../runtime/authorizer.ts";
import type { Allowed } from "./denial.ts";

/** Leave to run that a hook of the framework got ahead of the call. */
interface KeptAnswer {
  readonly decision: Allowed;
  readonly authorizer: Authorizer;
  readonly until: number;
}

// By run, so that they are gone with it; then by the whole question: agent, actions, full arguments and call id.
const kept = new WeakMap<object, Map<string, KeptAnswer[]>>();

/** Keeps an ALLOW for the call that it was asked for, no longer than `forMs`. */
export function keepAnswer(run: object, request: AuthorizationRequest, decision: Allowed, authorizer: Authorizer, forMs: number): void {
  const question = canonicalize(request);
  if (question === undefined) return;
  const answers = kept.get(run) ?? new Map<string, KeptAnswer[]>();
  kept.set(run, answers);
  answers.set(question, [...(answers.get(question) ?? []), { decision, authorizer, until: performance.now() + forMs }]);
}

/** Takes an answer to exactly this question out of the run; each is given out once, so that it runs one call at most. */
export function takeAnswer(run: object | undefined, request: AuthorizationRequest, authorizer: Authorizer): Allowed | undefined {
  const answers = run === undefined ? undefined : kept.get(run);
  if (answers === undefined) return undefined;
  const question = canonicalize(request);
  const waiting = question === undefined ? undefined : answers.get(question);
  if (question === undefined || waiting === undefined) return undefined;
  const now = performance.now();
  const usable = waiting.filter((answer) => answer.until > now && answer.authorizer === authorizer);
  const [first, ...rest] = usable;
  if (rest.length > 0) answers.set(question, rest);
  else answers.delete(question);
  return first?.decision;
}

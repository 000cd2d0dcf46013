import { CanopyError } from "../errors.ts";
import { defaultPolicyName } from "../policy/policy.ts";
import type { Policy } from "../policy/policy.ts";
import type { AuthorizationRequest, AuthorizationResult, Authorizer, Outcome } from "./authorizer.ts";
import type { Canopy } from "./canopy.ts";
import { unrecordedDenial } from "./answer.ts";
import { startCanopy } from "./open-canopy.ts";
import { loadPolicyFrom } from "./policy-file.ts";

/**
 * The one runtime that everything shares which was not given another. Opened by the first request, from the environment as it is then;
 * where that fails the answer is DENY and the next request tries again. It ends with the process: every answer it gave is durable already.
 */
export function defaultAuthorizer(): Authorizer {
  return shared;
}

let opened: Promise<Canopy> | undefined;

const shared: Authorizer = Object.freeze({
  async authorize(request: AuthorizationRequest): Promise<AuthorizationResult> {
    let canopy: Canopy;
    try {
      canopy = await open();
    } catch (error) {
      return unrecordedDenial(request, `canopy could not be opened: ${error instanceof Error ? error.message : String(error)}`);
    }
    return await canopy.authorize(request);
  },

  async recordOutcome(outcome: Outcome): Promise<void> {
    await (await open()).recordOutcome(outcome);
  },

  async toolBindings() {
    return await (await open()).toolBindings();
  },
});

async function open(): Promise<Canopy> {
  opened ??= startFromEnvironment();
  try {
    return await opened;
  } catch (error) {
    opened = undefined;
    throw error;
  }
}

async function startFromEnvironment(): Promise<Canopy> {
  const policy = fromEnvironment("CANOPY_POLICY_FILE") ?? defaultPolicyName;
  const path = fromEnvironment("CANOPY_AUDIT_LOG_PATH");
  const keyPath = fromEnvironment("CANOPY_AUDIT_KEY_PATH");
  const audit = { ...(path === undefined ? {} : { path }), ...(keyPath === undefined ? {} : { keyPath }) };
  const approvalsPath = fromEnvironment("CANOPY_APPROVALS_PATH");
  const approvals = approvalsPath === undefined ? {} : { path: approvalsPath };
  const files = new Set<string>();
  const load = async (): Promise<Policy> => await loadPolicyFrom(policy, files);
  const canopy = await startCanopy({ policy, audit, approvals }, load, files);
  process.once("beforeExit", () => {
    opened = undefined;
    canopy.close().catch((error: unknown) => process.emitWarning(error instanceof Error ? error.message : String(error), "CanopyWarning"));
  });
  return canopy;
}

/** A variable that is there and empty is a mistake in somebody's set-up; the default it would fall back to may be looser than what was meant. */
function fromEnvironment(name: string): string | undefined {
  const value = process.env[name];
  if (value === "") throw new CanopyError("INVALID_OPTIONS", `\`${name}\` is set and empty, name a file or unset it`);
  return value;
}

import { HttpAuthorizer } from "../client/index.ts";
import type { HttpAuthorizerOptions } from "../client/index.ts";
import { CanopyError } from "../errors.ts";
import { guardTool } from "./guard-tool.ts";
import type { ExtrasOf, GuardToolOptions, HostExtras, LaterTool } from "./guard-tool.ts";

/** How a function is guarded by a gateway. */
export interface GuardToolHttpOptions<Args, Extras extends readonly unknown[]> extends Omit<
  GuardToolOptions<Args, Extras>,
  "agentCtx" | "authorizer"
> {
  /** The gateway that decides and records. */
  readonly gateway: HttpAuthorizerOptions;
  /** What the key lets the caller say of itself; who it is, the gateway knows by the key. Nothing where left out. */
  readonly agentCtx?: GuardToolOptions<Args, Extras>["agentCtx"];
}

/**
 * `guardTool` with a gateway as the one who decides: no call runs unless the gateway gives a clear ALLOW that is on its record. For several tools, make one
 * `HttpAuthorizer` and give it to each. Throws `INVALID_OPTIONS` for options that it cannot understand.
 */
export function guardToolHttp<F extends LaterTool<[]>>(fn: F, options: GuardToolHttpOptions<Parameters<F>[0], []>): F;
export function guardToolHttp<A, R>(fn: (args: A) => R, options: GuardToolHttpOptions<A, []>): (args: A) => Promise<Awaited<R>>;
export function guardToolHttp<F extends LaterTool<never[]>>(
  fn: F,
  options: GuardToolHttpOptions<Parameters<F>[0], ExtrasOf<F>> & HostExtras,
): F;
export function guardToolHttp<A, X extends unknown[], R>(
  fn: (args: A, ...extras: X) => R,
  options: GuardToolHttpOptions<A, X> & HostExtras,
): (args: A, ...extras: X) => Promise<Awaited<R>>;
export function guardToolHttp(fn: Tool, options: GuardToolHttpOptions<never, never> & Partial<HostExtras>): Tool {
  if (typeof options !== "object" || options === null) throw new CanopyError("INVALID_OPTIONS", "the options are not an object");
  const { gateway, agentCtx = {}, ...rest } = options;
  return guardTool(fn, { ...rest, agentCtx, authorizer: new HttpAuthorizer(gateway) } as never);
}

type Tool = (args: unknown, ...extras: unknown[]) => unknown;

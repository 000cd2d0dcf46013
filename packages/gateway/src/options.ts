import { CanopyError } from "@canopy-runtime/core";
import type { ApprovalOptions, AuditLogOptions, JsonObject, Mode, PolicySource } from "@canopy-runtime/core";

import { isLoopbackAddress } from "./auth/authenticate.ts";
import type { JwtSettings } from "./auth/jwt.ts";
import { isHostName } from "./http/door.ts";
import type { LogOptions } from "./operation/log.ts";

/** How a gateway is started. Everything here is the operator's; nothing of it can be said by a caller. */
export interface GatewayOptions {
  /** A policy file's path, `canopy:default`, or a policy's text with a name for it. `canopy:default` where it is left out. */
  readonly policy?: string | PolicySource;
  /** Where and how the log is kept; `audit.log` in the working directory where it is left out. */
  readonly audit?: string | Partial<AuditLogOptions>;
  /** `enforce` unless the operator asks to `observe`. */
  readonly mode?: Mode;
  /** Whether paths are looked up on this machine's disk: only where the agents' tools run on this machine. Off by default. */
  readonly resolvePaths?: boolean;
  /** How the answers of people are kept that REQUIRE_APPROVAL asks for: in an SQLite database beside the log where it is left out; false keeps none. */
  readonly approvals?: ApprovalOptions | false;
  /** The address to listen on; 127.0.0.1 where left out. */
  readonly host?: string;
  /** 4747 where left out; 0 for one that is free. */
  readonly port?: number;
  /** The file of API keys, see `addKey`. */
  readonly keys?: string;
  /** Whose tokens count: the settings, or a file with them. */
  readonly jwt?: string | JwtSettings;
  /** Lets callers on this machine ask without a key, for authorization alone, as the agent that is named here. The gateway then listens on loopback only. */
  readonly loopback?: { readonly agentCtx: JsonObject };
  /** More names that requests may name as their `Host`, with or without a port, beside the address itself and, on loopback, `localhost`. */
  readonly allowedHosts?: readonly string[];
  /** The address by which clients know the gateway, where it stands behind a proxy. */
  readonly publicUrl?: string;
  /** Puts a policy in force anew when a file of it changes. Off by default: a half-saved file is nobody's policy. */
  readonly watch?: boolean;
  readonly limits?: Partial<GatewayLimits>;
  readonly log?: LogOptions;
}

/** What the gateway takes on at once, and how long it waits. */
export interface GatewayLimits {
  /** Of one request's body: 1 MiB. */
  readonly bodyBytes: number;
  /** Of all bodies that are being read: 64 MiB. */
  readonly heldBytes: number;
  /** Decisions that may wait at once: 1,024; one caller gets half. */
  readonly inFlight: number;
  /** Connections: 2,048. */
  readonly connections: number;
  /** For the headers, 5 s; for the body, 10 s; for all of a request, 20 s; a silent connection, 60 s. */
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** For one decision with its record: 15 s. */
  readonly decisionMs: number;
  /** When it is to stop, how long it goes on taking requests, so that clients learn of it from answers: 500 ms; then how long it waits for answers: 10 s. */
  readonly drainMs: number;
  readonly closeMs: number;
}

const defaultLimits: GatewayLimits = {
  bodyBytes: 1024 * 1024,
  heldBytes: 64 * 1024 * 1024,
  inFlight: 1024,
  connections: 2048,
  headersMs: 5000,
  bodyMs: 10_000,
  requestMs: 20_000,
  idleMs: 60_000,
  decisionMs: 15_000,
  drainMs: 500,
  closeMs: 10_000,
};

/** The options with what was left out, checked. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly isLoopback: boolean;
  readonly limits: GatewayLimits;
  readonly allowedHosts: readonly string[];
  readonly publicUrl: string | undefined;
}

/** Throws `INVALID_OPTIONS` for what cannot be understood, and for a gateway that anybody could ask. */
export function readOptions(options: GatewayOptions): Settings {
  if (typeof options !== "object" || options === null) throw invalid("the options are not an object");
  refuseUnknown("option", options, optionNames);
  const { host = "127.0.0.1", port = 4747, keys, jwt, loopback, allowedHosts = [], publicUrl } = options;
  if (typeof host !== "string" || host === "") throw invalid("`host` is no address");
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalid(`\`port\` is \`${String(port)}\`, not a number from 0 to 65535`);
  const isLoopback = host === "localhost" || isLoopbackAddress(host);
  if (loopback !== undefined && !isLoopback) {
    throw invalid(`callers without a key are for loopback alone, and \`${host}\` is not: make keys with \`canopy keys add\``);
  }
  if (keys === undefined && jwt === undefined && loopback === undefined) {
    throw invalid("nobody could ask: name a file of keys, made with `canopy keys add`, or the settings for tokens");
  }
  if (loopback !== undefined && (typeof loopback !== "object" || typeof loopback.agentCtx !== "object" || loopback.agentCtx === null)) {
    throw invalid("`loopback` has no `agentCtx`");
  }
  if (!Array.isArray(allowedHosts)) throw invalid("`allowedHosts` is not a list");
  const badHost = allowedHosts.find((name: unknown) => typeof name !== "string" || !isHostName(name));
  if (badHost !== undefined) throw invalid(`\`${String(badHost)}\` is no name of a host`);
  if ((host === "0.0.0.0" || host === "::") && allowedHosts.length === 0 && publicUrl === undefined) {
    throw invalid(`on \`${host}\` clients call the gateway by names that it cannot know: list them as allowed hosts`);
  }
  if (publicUrl !== undefined && !/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? ""))
    throw invalid("`publicUrl` is not an http or https address");
  return { host, port, isLoopback, limits: readLimits(options.limits ?? {}), allowedHosts, publicUrl: publicUrl?.replace(/\/+$/, "") };
}

function readLimits(given: Partial<GatewayLimits>): GatewayLimits {
  refuseUnknown("limit", given, Object.keys(defaultLimits));
  for (const [name, value] of Object.entries(given)) {
    const least = name === "drainMs" ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1)
      throw invalid(`the limit \`${name}\` is \`${String(value)}\`, not a whole number from ${least} on`);
  }
  return { ...defaultLimits, ...given };
}

/** `Host` values that stand for this gateway. */
export function hostsOf({ host, isLoopback, allowedHosts, publicUrl }: Settings): ReadonlySet<string> {
  const own = host.includes(":") ? `[${host}]` : host;
  return new Set(
    [
      own,
      ...(isLoopback ? ["localhost", "127.0.0.1", "[::1]"] : []),
      ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname]),
      ...allowedHosts,
    ].map((name) => name.toLowerCase()),
  );
}

const optionNames = [
  "policy",
  "audit",
  "mode",
  "resolvePaths",
  "approvals",
  "host",
  "port",
  "keys",
  "jwt",
  "loopback",
  "allowedHosts",
  "publicUrl",
  "watch",
  "limits",
  "log",
] as const satisfies readonly (keyof GatewayOptions)[];

function refuseUnknown(what: string, given: object, names: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`unknown ${what} \`${unknown}\`, the ${what}s are ${names.join(", ")}`);
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}

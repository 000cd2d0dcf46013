import { existsSync } from "node:fs";

import { CanopyError } from "@canopy-runtime/core";
import type { JsonObject } from "@canopy-runtime/core";
import type { Gateway, GatewayOptions, LogOptions } from "@canopy-runtime/gateway";
import { parseArgs } from "node:util";
import type { Command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { jsonOption } from "../json-option.ts";
import { complain } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { logPath } from "./audit/log-path.ts";
import { keyFile } from "./keys/key-file.ts";

export const serve: Command = {
  name: "serve",
  summary: "a gateway: the same policies, log and answers over HTTP",
  help: `canopy serve: answers over HTTP whether agents may act, and records every answer

Usage: canopy serve [LOG] [--policy FILE] [--keys FILE] [--jwt FILE] [--host ADDRESS] [--port PORT] [OPTION…]

  LOG                   the audit log; the one that CANOPY_AUDIT_LOG_PATH names, else audit.log, where it is left out. CANOPY_AUDIT_KEY_PATH names its key
  --policy FILE         the policy; the one that CANOPY_POLICY_FILE names, else the bundled one, where it is left out
  --keys FILE           the keys of the callers, made by canopy keys add; CANOPY_KEYS_FILE, else canopy-keys.json, where it is left out
  --jwt FILE            whose tokens count beside them: {"issuer","audience","jwks","subjects":{…}}
  --approvals FILE      where the answers of people are kept; CANOPY_APPROVALS_PATH, else a file beside the log, where it is left out
  --approver NAME=KEY   whose signature counts, with the public key that canopy approvals keygen prints; may stand several times
  --volatile FIELD      a field of agent contexts that changes and means nothing, such as session_id; may stand several times
  --host ADDRESS        where it listens; 127.0.0.1 where it is left out
  --port PORT           4747 where it is left out; 0 for one that is free
  --allowed-host NAME   another name that clients call it by; may stand several times. Every other Host is refused
  --public-url URL      the address by which clients know it, behind a proxy
  --loopback-agent JSON lets callers on this machine ask without a key, for authorization alone, all of them as this agent
  --watch               puts the policy in force anew when a file of it changes; without it, on SIGHUP and POST /admin/reload
  --resolve-paths       looks paths up on this machine's disk: where the agents' tools run on this machine, and only there
  --observe             answers ALLOW to everything, and records what would have been answered
  --log-level LEVEL     debug, info (where left out), warn, error or silent; a line of JSON each, on standard output
  --log-payloads        also what was asked for, which may hold secrets

It stops on SIGTERM and SIGINT when every request that it took is answered; on a second one it takes no more at once.

Exit codes: 0 stopped, 2 bad usage, or a policy, log, key file or address that is not as it must be.
`,
  async run(args, terminal) {
    const options = readOptions(args, terminal);
    const { startGateway } = await import("@canopy-runtime/gateway");
    let gateway: Gateway | undefined;
    // From the start on: without a listener a signal that comes early ends the process.
    const reload = (): void => {
      // The gateway has said what is wrong, in its log, its readiness and its metrics.
      gateway?.reload().catch(() => undefined);
    };
    const stop = Promise.withResolvers<void>();
    const end = (): void => {
      stop.resolve();
      // A second time: the first is under way, and is cut short.
      if (isStopping) void gateway?.close();
    };
    let isStopping = false;
    process.on("SIGHUP", reload).on("SIGTERM", end).on("SIGINT", end);
    try {
      gateway = await startGateway(options);
      await stop.promise;
      isStopping = true;
      await gateway.close();
      return exitCodes.ok;
    } catch (error) {
      if (!(error instanceof CanopyError)) throw error;
      complain(terminal, `canopy: ${error.message}`);
      return exitCodes.usage;
    } finally {
      process.off("SIGHUP", reload).off("SIGTERM", end).off("SIGINT", end);
    }
  },
};

const levels = ["debug", "info", "warn", "error", "silent"] as const satisfies readonly LogOptions["level"][];

function readOptions(args: readonly string[], terminal: Terminal): GatewayOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      policy: { type: "string" },
      keys: { type: "string" },
      jwt: { type: "string" },
      approvals: { type: "string" },
      approver: { type: "string", multiple: true, default: [] },
      volatile: { type: "string", multiple: true, default: [] },
      host: { type: "string" },
      port: { type: "string" },
      "allowed-host": { type: "string", multiple: true, default: [] },
      "public-url": { type: "string" },
      "loopback-agent": { type: "string" },
      watch: { type: "boolean", default: false },
      "resolve-paths": { type: "boolean", default: false },
      observe: { type: "boolean", default: false },
      "log-level": { type: "string", default: "info" },
      "log-payloads": { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const policy = values.policy ?? terminal.env["CANOPY_POLICY_FILE"];
  if (policy === "") throw new UsageError("the name of the policy file is empty, name one or leave it out");
  const level = levels.find((each) => each === values["log-level"]);
  if (level === undefined) throw new UsageError(`unknown log level \`${values["log-level"]}\`, the levels are ${levels.join(", ")}`);
  const keyPath = terminal.env["CANOPY_AUDIT_KEY_PATH"];
  if (keyPath === "") throw new UsageError("`CANOPY_AUDIT_KEY_PATH` is set and empty, name a file or unset it");
  const approvals = values.approvals ?? terminal.env["CANOPY_APPROVALS_PATH"];
  if (approvals === "") throw new UsageError("the name of the approvals' file is empty, name one or leave it out");
  const loopback = values["loopback-agent"] === undefined ? undefined : { agentCtx: readObject(values["loopback-agent"]) };
  const keys = keyFile(values.keys, terminal);
  // The default file need not be there where callers prove who they are by other means.
  const isWanted = values.keys !== undefined || terminal.env["CANOPY_KEYS_FILE"] !== undefined || existsSync(keys);
  return {
    ...(policy === undefined ? {} : { policy }),
    audit: { path: logPath(positionals, terminal), ...(keyPath === undefined ? {} : { keyPath }) },
    mode: values.observe ? "observe" : "enforce",
    resolvePaths: values["resolve-paths"],
    approvals: {
      ...(approvals === undefined ? {} : { path: approvals }),
      approvers: values.approver.map(readApprover),
      volatile: values.volatile,
    },
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.port === undefined ? {} : { port: readPort(values.port) }),
    ...(isWanted ? { keys } : {}),
    ...(values.jwt === undefined ? {} : { jwt: values.jwt }),
    ...(loopback === undefined ? {} : { loopback }),
    allowedHosts: values["allowed-host"],
    ...(values["public-url"] === undefined ? {} : { publicUrl: values["public-url"] }),
    watch: values.watch,
    log: { level, payloads: values["log-payloads"], stream: terminal.stdout },
  };
}

function readApprover(text: string): { readonly name: string; readonly publicKey: string } {
  const [, name, publicKey] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || publicKey === undefined) throw new UsageError(`--approver is \`${text}\`: write NAME=KEY`);
  return { name, publicKey };
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port is \`${text}\`, not a number from 0 to 65535`);
  return Number(text);
}

function readObject(text: string): JsonObject {
  const value = jsonOption("--loopback-agent", text, '{"agent_id":"local"}');
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UsageError("--loopback-agent: not a JSON object");
  return value as JsonObject;
}

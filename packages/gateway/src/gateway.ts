import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { createChecker, openAuditLog, openCanopy } from "@canopy-runtime/core";
import type { Canopy } from "@canopy-runtime/core";

import { openAuthentication } from "./auth/open.ts";
import { createApp } from "./http/app.ts";
import { Capacity } from "./http/capacity.ts";
import { listen } from "./http/listen.ts";
import { rememberAuthorizations } from "./operation/authorizations.ts";
import { createLog } from "./operation/log.ts";
import type { GatewayLog } from "./operation/log.ts";
import { createMetrics } from "./operation/metrics.ts";
import type { Metrics } from "./operation/metrics.ts";
import { watchReadiness } from "./operation/readiness.ts";
import type { Readiness, ReadinessReport } from "./operation/readiness.ts";
import { watchWaiting } from "./operation/waiting.ts";
import { watchFiles } from "./operation/watch-files.ts";
import { watchLog } from "./operation/watched-log.ts";
import type { WatchedLog } from "./operation/watched-log.ts";
import { hostsOf, readOptions } from "./options.ts";
import type { GatewayOptions, Settings } from "./options.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { auditRoutes } from "./routes/audit.ts";
import { authorizeRoutes } from "./routes/authorize.ts";
import { authzenRoutes } from "./routes/authzen.ts";
import { documentRoutes } from "./routes/openapi.ts";
import { operationRoutes } from "./routes/operation.ts";
import { gatewayVersion } from "./version.ts";

/** A gateway that listens. */
export interface Gateway extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:4747`. */
  readonly url: string;
  readonly port: number;
  /** Puts the policy in force anew and answers its digest. Rejects with `POLICY_INVALID` where it does not load: the one before stays in force. */
  reload(): Promise<string>;
  readiness(): Promise<ReadinessReport>;
  /**
   * Stops: for a moment requests are still taken, each answered with the news that the connection ends; then it listens no more, gives every answer that was
   * begun, and closes the log. Closing again cuts short the moment, and waits for the same end.
   */
  close(): Promise<void>;
}

/**
 * Starts a gateway: policy, log and keys first, so that it listens only when it can answer. Rejects with `POLICY_INVALID`, `AUDIT_LOG_…`, or `INVALID_OPTIONS`
 * where a key file, the settings for tokens, the address or an option is not as it must be.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = readOptions(options);
  const log = createLog(options.log ?? {});
  const authentication = await openAuthentication(options);
  const { canopy, record } = await openRuntime(options);
  try {
    const readiness = watchReadiness(canopy, record, authentication.keys);
    const capacity = new Capacity(settings.limits);
    const waiting = watchWaiting(options.approvals === false ? null : canopy.approvals);
    const metrics: Metrics = createMetrics(() => ({
      inFlight: capacity.inFlight,
      heldBytes: capacity.bytes,
      ready: readiness.last,
      policyStale: readiness.stale,
      logWritable: record.writable,
      appended: record.appended,
      appendFailures: record.failures,
      ...waiting.last(),
    }));
    const reload = async (): Promise<string> => await reloadPolicy(canopy, { readiness, metrics, log });
    // Also puts the policy on record, which shows that the log can be written.
    await reload();
    let url = settings.publicUrl ?? "";
    const desk = { canopy, capacity, metrics, authorizations: rememberAuthorizations(), log, decisionMs: settings.limits.decisionMs };
    const routes = [
      ...authorizeRoutes(desk),
      ...authzenRoutes(desk, () => url),
      ...auditRoutes(record.path, log),
      ...(options.approvals === false ? [] : approvalRoutes(canopy)),
      ...operationRoutes({ readiness, metrics, reload, waiting }),
    ];
    const app = createApp({
      routes: [...routes, ...documentRoutes(routes, gatewayVersion)],
      hosts: hostsOf(settings),
      authentication,
      limits: settings.limits,
      capacity,
      metrics,
      log,
      isStopping: () => readiness.stopping,
    });
    const listening = await listen(app, { ...settings.limits, host: settings.host, port: settings.port });
    const own = urlOf(settings, listening.address.port);
    url ||= own;
    log.told("listening", {
      url: own,
      policy: options.policy === undefined ? "canopy:default" : nameOf(options.policy),
      audit_log: record.path,
    });
    if (!settings.isLoopback)
      log.warned("keys and answers travel unencrypted to this address: put a proxy with TLS before it", { url: own });
    if (options.mode === "observe") log.warned("nothing is enforced: every answer is ALLOW, and says what it would have been");
    const running = startTasks(options, { canopy, readiness, log, reload });
    return gatewayOf({ url: own, port: listening.address.port, canopy, capacity, readiness, log, reload, settings, listening, running });
  } catch (error) {
    // Closing says less than what went wrong first.
    await canopy.close().catch(() => undefined);
    throw error;
  }
}

async function openRuntime({
  policy,
  audit = {},
  mode,
  resolvePaths = false,
  approvals,
  keys,
  jwt,
}: GatewayOptions): Promise<{ readonly canopy: Canopy; readonly record: WatchedLog }> {
  // Before the log is opened: a policy that does not load leaves no log behind.
  await createChecker(policy === undefined ? {} : { policy }).policy();
  const auditOptions = typeof audit === "string" ? { path: audit } : { ...audit, path: audit.path ?? "audit.log" };
  const ownFiles = [keys, typeof jwt === "string" ? jwt : undefined].filter((file) => file !== undefined).map((file) => resolve(file));
  const record = watchLog(await openAuditLog(auditOptions), ownFiles);
  try {
    const canopy = await openCanopy({
      ...(policy === undefined ? {} : { policy }),
      ...(mode === undefined ? {} : { mode }),
      resolvePaths,
      audit: record,
      approvals:
        approvals === false ? false : { ...(approvals?.store === undefined ? { path: `${record.path}.approvals.db` } : {}), ...approvals },
    });
    return { canopy, record };
  } catch (error) {
    await record.close().catch(() => undefined);
    throw error;
  }
}

interface Reloading {
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly log: GatewayLog;
}

async function reloadPolicy(canopy: Canopy, { readiness, metrics, log }: Reloading): Promise<string> {
  try {
    const policy = await canopy.reloadPolicy();
    readiness.stale = false;
    metrics.loaded(policy);
    for (const { file, line, message } of policy.warnings) log.warned("the policy may not say what it means", { file, line, message });
    log.told("the policy is in force", { policy_digest: policy.digest, rules: policy.rules.length });
    return policy.digest;
  } catch (error) {
    readiness.stale = true;
    metrics.reloadFailed();
    log.failed("the policy could not be put in force, the one before stays", error);
    throw error;
  }
}

interface Tasks {
  /** Ends what runs beside the answers. */
  stop(): void;
}

function startTasks(
  options: GatewayOptions,
  { canopy, readiness, log, reload }: Pick<Running, "canopy" | "readiness" | "log" | "reload">,
): Tasks {
  const abort = new AbortController();
  readiness.verify(abort.signal).then(
    (verdict) =>
      verdict === "valid" ? log.told("the audit log is sound") : log.warned("the audit log is not sound, see `canopy verify`", { verdict }),
    (error: unknown) => {
      if (!abort.signal.aborted) log.failed("the audit log could not be verified", error);
    },
  );
  const stopWatching =
    options.watch === true && typeof options.policy === "string"
      ? watchFiles(
          async () => [...(await canopy.policy()).sources.keys()].filter((name) => name !== "canopy:default").map((name) => resolve(name)),
          async () => {
            await reload();
          },
        )
      : undefined;
  return {
    stop: () => {
      abort.abort();
      stopWatching?.();
    },
  };
}

interface Running {
  readonly url: string;
  readonly port: number;
  readonly canopy: Canopy;
  readonly capacity: Capacity;
  readonly readiness: Readiness;
  readonly log: GatewayLog;
  readonly reload: () => Promise<string>;
  readonly settings: Settings;
  readonly listening: Awaited<ReturnType<typeof listen>>;
  readonly running: Tasks;
}

function gatewayOf({ url, port, canopy, capacity, readiness, log, reload, settings, listening, running }: Running): Gateway {
  const hurry = new AbortController();
  let closing: Promise<void> | undefined;

  async function stop(): Promise<void> {
    readiness.stopping = true;
    log.told("stopping");
    running.stop();
    await sleep(settings.limits.drainMs, undefined, { signal: hurry.signal }).catch(() => undefined);
    await listening.close(settings.limits.closeMs);
    // What is decided after its connection was cut is still to be put on record as not run.
    await capacity.idle();
    await canopy.close();
    log.told("stopped");
  }

  async function close(): Promise<void> {
    if (closing !== undefined) hurry.abort();
    closing ??= stop();
    await closing;
  }

  return { url, port, reload, readiness: async () => await readiness.report(), close, [Symbol.asyncDispose]: close };
}

function urlOf({ host }: Settings, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function nameOf(policy: NonNullable<GatewayOptions["policy"]>): string {
  return typeof policy === "string" ? policy : policy.name;
}

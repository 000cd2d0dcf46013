import { CanopyError } from "../errors.ts";
import { cloneJson, isJsonObject, member } from "../json.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { parseJson } from "../json-text.ts";
import type { ActionBinding } from "../policy/bindings.ts";
import type { AuthorizationRequest, AuthorizationResult, Authorizer, Outcome } from "../runtime/authorizer.ts";
import { readAnswer } from "./answer.ts";
import { exchange } from "./exchange.ts";
import type { Exchange, Fetch } from "./exchange.ts";

export interface HttpAuthorizerOptions {
  /** Where the gateway is, such as `https://canopy.internal` or `http://127.0.0.1:4747`. Plain `http` is for loopback addresses alone. */
  readonly url: string | URL;
  /** The API key or the JWT of the agent; a function is asked for each request, for tokens that expire. */
  readonly key?: string | (() => string | Promise<string>);
  /** How long an answer may take, 10,000 ms where left out; a later one counts as DENY. */
  readonly timeoutMs?: number;
  /** Lets a key travel over plain `http` to another machine: for a network that encrypts by itself. */
  readonly insecure?: boolean;
  /** Another `fetch` than the global one. */
  readonly fetch?: Fetch;
}

/**
 * Asks a gateway. It stands wherever an `Authorizer` does, and `authorize` never rejects: whatever is not a clear and well-formed answer (a
 * redirect, another status or content type, too many bytes, JSON that is none, an answer to another question, one that comes too late) is a DENY that says so.
 */
export class HttpAuthorizer implements Authorizer {
  readonly #exchange: Exchange;
  readonly #key: HttpAuthorizerOptions["key"];

  /** Throws `INVALID_OPTIONS` for options that it cannot understand, and for an address that a key must not be sent to. */
  constructor(options: HttpAuthorizerOptions) {
    checkOptions(options);
    const { url, key, timeoutMs = 10_000, insecure = false } = options;
    this.#key = key;
    this.#exchange = { base: baseOf(url, insecure), timeoutMs, fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)) };
  }

  async authorize(request: AuthorizationRequest): Promise<AuthorizationResult> {
    const requestId = randomHex();
    const traceId = traceIdOf(request);
    try {
      const wire = wireRequest(request);
      const answer = await this.#ask("POST", "/authorize_action", { ...wire, trace_id: traceId, request_id: requestId }, mostAnswerBytes);
      const result = readAnswer(answer, { requestId, traceId }) ?? denied("the gateway's answer cannot be understood", traceId);
      // INVARIANT: what is not to run does not run, whatever was answered.
      return typeof wire["refused"] === "string" && result.decision !== "DENY" ? denied(wire["refused"], traceId) : result;
    } catch (error) {
      return denied(error instanceof CanopyError ? error.message : "the gateway could not be asked", traceId);
    }
  }

  /** Rejects with `AUDIT_LOG_UNAVAILABLE` unless the gateway says that the outcome is on record. */
  async recordOutcome(outcome: Outcome): Promise<void> {
    const body = {
      authorization_id: outcome.authorizationId,
      trace_id: outcome.traceId,
      status: outcome.status,
      ...(outcome.errorClass === undefined ? {} : { error_class: outcome.errorClass }),
      output_hash: outcome.outputHash,
      duration_ms: outcome.durationMs,
    };
    const answer = await this.#ask("POST", "/outcome", body, mostAnswerBytes);
    if (!isJsonObject(answer) || member(answer, "recorded") !== true)
      throw unavailable("the gateway does not say that the outcome is on record");
  }

  /** What the gateway's policy says that tools are. Rejects where it cannot be had; a guard then denies. */
  async toolBindings(): Promise<Readonly<Record<string, readonly ActionBinding[]>>> {
    const answer = await this.#ask("GET", "/tool_bindings", undefined, mostBindingBytes);
    const bindings = isJsonObject(answer) ? member(answer, "bindings") : undefined;
    if (!isJsonObject(bindings)) throw unavailable("the gateway's bindings of tools cannot be understood");
    return Object.fromEntries(Object.entries(bindings).map(([name, list]) => [name, readBindings(list)]));
  }

  async #ask(method: "GET" | "POST", path: string, body: unknown, mostBytes: number): Promise<JsonValue> {
    const given = this.#key;
    const key = typeof given === "function" ? await given() : given;
    if (given !== undefined && !isHeaderText(key))
      throw new CanopyError("INVALID_OPTIONS", "the gateway's key is not one line of printable text");
    const text = await exchange(this.#exchange, {
      method,
      path,
      key,
      mostBytes,
      ...(body === undefined ? {} : { body: JSON.stringify(cloneJson(body)) }),
    });
    try {
      return parseJson(text);
    } catch (error) {
      throw new CanopyError("AUDIT_LOG_UNAVAILABLE", "the gateway's answer is not JSON", { cause: error });
    }
  }
}

const mostAnswerBytes = 256 * 1024;
const mostBindingBytes = 4 * 1024 * 1024;

/** The request in the words of the wire. What JSON cannot carry is refused, and the attempt put on record, as a runtime in this process would. */
function wireRequest(request: AuthorizationRequest): JsonObject {
  try {
    return cloneJson({
      agent_ctx: request.agentCtx,
      actions: request.actions.map(({ actionType, payload, open }) => ({
        action_type: actionType,
        payload,
        ...(open === undefined || open.length === 0 ? {} : { open }),
      })),
      ...(request.tool === undefined
        ? {}
        : {
            tool: {
              name: request.tool.name,
              args: request.tool.args,
              ...(request.tool.callId === undefined ? {} : { call_id: request.tool.callId }),
              ...(request.tool.toctou === undefined ? {} : { toctou: request.tool.toctou }),
            },
          }),
      ...(request.refused === undefined ? {} : { refused: request.refused }),
    }) as JsonObject;
  } catch (error) {
    const refused = error instanceof CanopyError ? error.message : "the request cannot be read";
    return { actions: [{ action_type: "unreadable", payload: null }], refused: refused.slice(0, 500) };
  }
}

function readBindings(list: JsonValue): readonly ActionBinding[] {
  if (!Array.isArray(list)) throw unavailable("the gateway's bindings of a tool are not a list");
  return list.map((item: JsonValue) => {
    const { action_type: actionType, payload, ignore } = isJsonObject(item) ? item : {};
    if (typeof actionType !== "string" || !isJsonObject(payload) || !Array.isArray(ignore))
      throw unavailable("a binding of a tool cannot be understood");
    // Whoever uses it checks the paths.
    return { actionType, payload: payload as Readonly<Record<string, string>>, ignore: ignore as readonly string[] };
  });
}

/** Nothing was recorded, and there is no agent id: whoever knows it could not be asked. */
function denied(reason: string, traceId: string): AuthorizationResult {
  return Object.freeze({
    decision: "DENY",
    reason,
    avid: "",
    rules: Object.freeze([]),
    policyDigest: null,
    authorizationId: null,
    traceId,
    enforced: true,
  });
}

function traceIdOf(request: AuthorizationRequest): string {
  try {
    const { traceId } = request;
    if (typeof traceId === "string" && traceId !== "" && traceId.length <= 256 && traceId.isWellFormed()) return traceId;
  } catch {
    // It gets one like any other.
  }
  return randomHex();
}

function randomHex(): string {
  return Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isHeaderText(key: unknown): key is string {
  return typeof key === "string" && /^[\x21-\x7e]{1,16384}$/.test(key);
}

const optionNames: readonly string[] = ["url", "key", "timeoutMs", "insecure", "fetch"];

function checkOptions(options: HttpAuthorizerOptions): void {
  if (typeof options !== "object" || options === null) throw invalid("the options are not an object");
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
  if (unknown !== undefined) throw invalid(`unknown option \`${unknown}\`, the options are ${optionNames.join(", ")}`);
  const { key, timeoutMs, insecure, fetch } = options;
  if (key !== undefined && typeof key !== "function" && !isHeaderText(key)) throw invalid("`key` is not one line of printable text");
  // A timer holds no longer time, and fires at once instead.
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 1 && timeoutMs <= 2 ** 31 - 1)) {
    throw invalid("`timeoutMs` is not a number of milliseconds");
  }
  if (insecure !== undefined && typeof insecure !== "boolean") throw invalid("`insecure` is true or false");
  if (fetch !== undefined && typeof fetch !== "function") throw invalid("`fetch` is not a function");
}

/** The address that paths are put behind. */
function baseOf(url: string | URL, insecure: boolean): string {
  const parsed = URL.parse(String(url));
  if (parsed === null || (parsed.protocol !== "https:" && parsed.protocol !== "http:"))
    throw invalid("`url` is not an http or https address");
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw invalid("`url` holds more than an address: a user, a query or a fragment");
  }
  if (parsed.protocol === "http:" && !insecure && !isLoopback(parsed.hostname)) {
    throw invalid("`url` is plain http to another machine, where everybody on the way could read the key and change the answer: use https");
  }
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function unavailable(message: string): CanopyError {
  return new CanopyError("AUDIT_LOG_UNAVAILABLE", message);
}

function invalid(message: string): CanopyError {
  return new CanopyError("INVALID_OPTIONS", message);
}

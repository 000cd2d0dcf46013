import { CanopyError } from "../errors.ts";

/** The part of `fetch` that is used. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

export interface Exchange {
  /** The gateway's address, without a slash at its end. */
  readonly base: string;
  readonly timeoutMs: number;
  readonly fetch: Fetch;
}

export interface Message {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly key: string | undefined;
  readonly body?: string;
  readonly mostBytes: number;
}

/**
 * One request and the text of its answer: status 200, `application/json`, UTF-8, from the address that was asked, within the time and the size.
 * Rejects with a `CanopyError` that says in what it was not; what the network said is not quoted, because the words may reach a model.
 */
export async function exchange({ base, timeoutMs, fetch }: Exchange, message: Message): Promise<string> {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(failure(`the gateway did not answer within ${timeoutMs} ms`));
      abort.abort();
    }, timeoutMs);
  });
  try {
    // The race, because a `fetch` need not listen to its signal.
    return await Promise.race([send(`${base}${message.path}`, message, fetch, abort.signal), late]);
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

async function send(url: string, { method, key, body, mostBytes }: Message, fetch: Fetch, signal: AbortSignal): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal,
    });
  } catch (error) {
    throw failure("the gateway could not be reached", error);
  }
  if (response.type === "opaqueredirect" || response.redirected || (response.status >= 300 && response.status < 400)) {
    throw failure("the gateway answered with a redirect, which is not followed");
  }
  if (response.status !== 200) {
    const meaning = meanings.get(response.status);
    throw failure(`the gateway answered with status ${response.status}${meaning === undefined ? "" : `: ${meaning}`}`);
  }
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(response.headers.get("content-type") ?? "")) {
    throw failure("the gateway's answer is not declared as JSON");
  }
  return await textOf(response, mostBytes);
}

/** What a gateway means by a status, in our words and not in those of whoever answered. */
const meanings: ReadonlyMap<number, string> = new Map([
  [400, "it does not understand the request, which another version of Canopy may have made"],
  [401, "it does not take the key"],
  [403, "the key may not do that"],
  [404, "there is no gateway at this address"],
  [413, "the request is too long for it"],
  [421, "it does not answer for this host name, see --allowed-host of `canopy serve`"],
  [503, "it has too much to do, or cannot put anything on record"],
]);

async function textOf(response: Response, mostBytes: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw failure("the gateway's answer is empty");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > mostBytes) throw failure(`the gateway's answer is longer than ${mostBytes} bytes`);
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (error instanceof CanopyError) throw error;
    throw failure("the gateway's answer broke off, or is not UTF-8", error);
  }
}

function failure(message: string, cause?: unknown): CanopyError {
  return new CanopyError("AUDIT_LOG_UNAVAILABLE", message, cause === undefined ? {} : { cause });
}

import type { JsonObject, JsonValue } from "../../json.ts";
import { isJsonObject, member } from "../../json.ts";
import type { Host } from "./address.ts";
import { readUrl } from "./readings.ts";
import type { UrlReadings } from "./readings.ts";
import { words } from "../words.ts";

/** What a request holds beside its address. */
export interface RequestReadings {
  /** Hosts other than the address's that a header or a field sends the call to. */
  readonly routed: readonly Host[];
  /** Why there may be more of them, as a clause, or null. */
  readonly routedOpen: string | null;
  /** Hosts of the addresses written inside the address, the headers and the body. */
  readonly mentioned: readonly Host[];
  readonly mentionedOpen: string | null;
  /** A header that holds a line break, a NUL, or a name that is no token (RFC 9110 §5.1). */
  readonly injected: boolean;
}

/** Reads what goes along with `url`: always what the address itself holds, and the rest of the payload where the address is its own. */
export function readRequest(url: UrlReadings, payload: JsonValue | null): RequestReadings {
  const routed = new Hosts();
  const mentioned = new Hosts();
  for (const part of [url.path, url.query, url.fragment]) mention(part, mentioned);
  if (url.problems.includes("too_long")) mentioned.open = "the address is too long to be read";
  let injected = false;
  if (isJsonObject(payload ?? undefined)) {
    const object = payload as JsonObject;
    const headers = member(object, "headers");
    if (isJsonObject(headers)) injected = readHeaders(headers, url, routed, mentioned);
    else if (headers !== undefined) routed.open = "the headers are not an object";
    if (readFields(object, url, routed, mentioned, true)) injected = true;
    const args = member(object, "args");
    if (isJsonObject(args) && readFields(args, url, routed, mentioned)) injected = true;
    const body = member(object, "body");
    if (body !== undefined) mentionAll(body, mentioned);
  }
  return { routed: routed.list, routedOpen: routed.open, mentioned: mentioned.list, mentionedOpen: mentioned.open, injected };
}

/** Headers that proxies and servers route by (RFC 9110 §7.2, RFC 7239, and what is in use beside them). */
const routingHeaders: ReadonlySet<string> = words(`
  host :authority x-forwarded-host x-forwarded-server x-host x-original-host x-http-host-override x-backend-host x-forwarded-url
  x-original-url x-rewrite-url x-target-url x-destination x-proxy-url x-upstream proxy-host destination
`);

/** Fields by which HTTP clients are told to call another place than the address says. */
const routingFields: ReadonlySet<string> = words(`
  url urls apiurl apiuri apihost apibase requesturl requesturi targeturl baseuri domain authority serverurl server baseurl base host hostname endpoint uri href origin target proxy proxies httpproxy httpsproxy proxyurl socketpath unixsocket
  unixsocketpath resolve connectto localaddress lookup via tunnel upstream redirecturl
`);

/** Fields that hold the settings of a client, and so fields like these. */
const settingsFields: ReadonlySet<string> = words(
  "options opts config settings init request requestoptions requestconfig fetchoptions client transport agent httpagent httpsagent dispatcher",
);

/** Endings of names for such fields: `axios_config`, `clientOptions`. */
const settingsEnding = /(?:options|config|settings)$/;

/** Settings inside settings; what lies deeper may be anything. */
const deepestSettings = 4;

const mostHosts = 64;
const mostValues = 2000;
const mostAddresses = 500;
const longestText = 65_536;

class Hosts {
  readonly list: Host[] = [];
  open: string | null = null;

  add(host: Host): void {
    if (this.list.some((other) => other.text === host.text)) return;
    if (this.list.length < mostHosts) this.list.push(host);
    else this.open = `it names more than ${mostHosts} hosts`;
  }
}

function readHeaders(headers: JsonObject, url: UrlReadings, routed: Hosts, mentioned: Hosts): boolean {
  let injected = false;
  for (const [name, value] of Object.entries(headers)) {
    if (!/^:?[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) injected = true;
    const texts = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    for (const text of texts) {
      if (typeof text !== "string") {
        routed.open = "a header is not a string";
        continue;
      }
      if (/[\r\n\0]/.test(text)) injected = true;
      const key = name.toLowerCase();
      if (routingHeaders.has(key)) route(text, url, routed);
      else if (key === "forwarded") for (const [, host = ""] of text.matchAll(/host="?([^";,\s]+)/gi)) route(host, url, routed);
      else mention(text, mentioned);
    }
  }
  return injected;
}

/** Reads fields that send the call elsewhere, and headers that are not where they belong; answers whether one of these is injected. */
function readFields(object: JsonObject, url: UrlReadings, routed: Hosts, mentioned: Hosts, top = false, depth = 0): boolean {
  let injected = false;
  for (const [name, value] of Object.entries(object)) {
    const key = name.toLowerCase().replaceAll(/[-_]/g, "");
    if (/^headers?$/.test(key) && !(depth === 0 && name === "headers" && top)) {
      if (isJsonObject(value)) injected = readHeaders(value, url, routed, mentioned) || injected;
      else routed.open = `\`${name.slice(0, 40)}\` is not an object`;
    }
    if ((settingsFields.has(key) || settingsEnding.test(key)) && isJsonObject(value)) {
      if (depth < deepestSettings) injected = readFields(value, url, routed, mentioned, false, depth + 1) || injected;
      else routed.open = `\`${name.slice(0, 40)}\` may send it elsewhere`;
    }
    const changes =
      (key === "port" && JSON.stringify(value).replaceAll('"', "") !== JSON.stringify(url.port)) ||
      (isScheme.test(key) && !isOwnScheme(value, url));
    if (changes && value !== null) routed.open = `\`${name.slice(0, 40)}\` may send it elsewhere`;
    if (!routingFields.has(key)) continue;
    if (typeof value === "string") route(value, url, routed);
    else if (value !== null && value !== false) routed.open = `\`${name.slice(0, 40)}\` may send it elsewhere`;
  }
  return injected;
}

const isScheme = /^(?:protocol|scheme)$/;

function isOwnScheme(value: JsonValue, url: UrlReadings): boolean {
  return typeof value === "string" && value.toLowerCase().replace(/:\/{0,2}$/, "") === url.scheme;
}

/** The host that `text` names, as an address, `host:port` or host, unless it is the call's own. A path alone stays on the host. */
function route(text: string, url: UrlReadings, routed: Hosts): void {
  const trimmed = text.trim();
  if (trimmed === "" || /^\/(?!\/)/.test(trimmed)) {
    if (trimmed !== "" && /sock/i.test(trimmed)) routed.open = "it may go to a socket";
    return;
  }
  const { hosts } = readUrl(trimmed);
  if (hosts.length === 0) routed.open = "a header or field that routes it cannot be read";
  for (const host of hosts) if (host.text !== url.host?.text) routed.add(host);
}

function mentionAll(value: JsonValue, mentioned: Hosts): void {
  const queue: JsonValue[] = [value];
  for (let index = 0; index < queue.length; index += 1) {
    if (index >= mostValues) {
      mentioned.open = `the body holds more than ${mostValues} values`;
      return;
    }
    const item = queue[index];
    if (typeof item === "string") mention(item, mentioned);
    else if (Array.isArray(item)) queue.push(...(item as readonly JsonValue[]).slice(0, mostValues));
    else if (isJsonObject(item)) queue.push(...Object.keys(item).slice(0, mostValues), ...Object.values(item).slice(0, mostValues));
  }
}

/** The hosts of addresses inside a text, as they stand and percent-decoded once and twice. */
function mention(text: string, mentioned: Hosts): void {
  if (text.length > longestText) mentioned.open = "a text is too long to be looked through";
  let at = text.slice(0, longestText);
  for (let pass = 0; pass < 3; pass += 1) {
    let left = mostAddresses;
    for (const [address] of at.matchAll(/(?:[a-z][a-z0-9+.-]{0,20}:)?[/\\]{2}[^\s/?#\\"'<>&|]{1,300}/gi)) {
      if ((left -= 1) < 0) {
        mentioned.open = `a text holds more than ${mostAddresses} addresses`;
        break;
      }
      for (const host of readUrl(address).hosts)
        if (/^[a-z]/i.test(address) || host.text.includes(".") || host.address !== "") mentioned.add(host);
    }
    const decoded = at.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (decoded === at) return;
    at = decoded;
  }
}

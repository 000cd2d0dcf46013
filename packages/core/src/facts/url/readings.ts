import { readHost } from "./address.ts";
import type { Host } from "./address.ts";
import { words } from "../words.ts";

/** All that an address may mean to the clients there are. */
export interface UrlReadings {
  /** In lower case, without the colon; empty where there is none. */
  readonly scheme: string;
  /** The host as the WHATWG standard reads it, or null where there is none. */
  readonly host: Host | null;
  /** Every host that some client may call. */
  readonly hosts: readonly Host[];
  /** The port that is called, or null where neither the text nor the scheme says. */
  readonly port: number | null;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
  readonly problems: readonly string[];
}

/** The most characters that an address may have; what is beyond is not read. */
export const longestUrl = 8192;

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21 };

/** The port of a scheme that has one, or null. */
export function defaultPort(scheme: string): number | null {
  return Object.hasOwn(defaultPorts, scheme) ? (defaultPorts[scheme] ?? null) : null;
}

const ordinary = /^https?:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(?::[0-9]{1,5})?(?:\/[!-;=A-Z_a-z~]*)?$/i;

/** Reads `text` as every client may: by WHATWG URL, by RFC 3986, and by those that split at the first sign they know. Total. */
export function readUrl(text: string): UrlReadings {
  const whole = text.slice(0, longestUrl);
  const problems = new Set<string>(text.length > longestUrl ? ["too_long"] : []);
  if (!ordinary.test(whole)) for (const problem of oddities(whole)) problems.add(problem);

  const cleaned = unwrapped(whole);
  const written = schemeOf(cleaned);
  const parsed = written === "" ? null : parse(cleaned);
  const guessed = written === "" ? parse(`http://${cleaned.replace(/^[/\\]+/, "")}`) : null;
  const shown = parsed ?? guessed;
  if (shown === null || (shown.hostname === "" && needsHost(written))) problems.add("unparsable");

  const hosts: Host[] = [];
  const add = (raw: string | null | undefined): void => {
    const host = raw === null || raw === undefined ? null : readHost(raw);
    if (host !== null && !hosts.some((other) => other.text === host.text)) hosts.push(host);
  };
  add(shown?.hostname);
  const host = hosts[0] ?? null;
  if (problems.size > 0 || !ordinary.test(whole)) for (const raw of rawHosts(cleaned)) add(raw);

  return {
    scheme: written,
    host,
    hosts,
    port: shown === null ? null : shown.port === "" ? defaultPort(written) : Number(shown.port),
    path: shown?.pathname ?? "",
    query: shown?.search.slice(1) ?? "",
    fragment: shown?.hash.slice(1) ?? "",
    problems: [...problems],
  };
}

/** The hosts that other readers find in the same text: an authority that ends elsewhere, another `@`, decimal octets, decoded percents. */
function rawHosts(text: string): string[] {
  const compact = text.replaceAll(/[\t\r\n]/g, "");
  const rest = compact.replace(/^[a-z][a-z0-9+.-]*:(?=[/\\]|[^0-9])/i, "").replace(/^[/\\]+/, "");
  if (opaqueSchemes.has(schemeOf(compact))) return [];
  const found = new Set<string>();
  for (const end of [/[/?#]/, /[/\\?#]/, /\//, /[/?#\s]/]) {
    const authority = rest.split(end, 1)[0] ?? "";
    for (const spelled of new Set([authority, decoded(authority)])) {
      const parts = spelled.split("@");
      const candidates = parts.length > 1 ? [parts.at(-1), parts[1], parts[0]] : [spelled];
      for (const candidate of candidates.slice(0, 2)) found.add(withoutPort(candidate ?? ""));
    }
  }
  for (const host of found) {
    // Leading zeros are octal to some (RFC 6943 §3.1.1) and nothing to others.
    if (/^(?:0x)?[0-9a-f.]+$/i.test(host) && /(?:^|\.)0+[0-9]/.test(host)) found.add(host.replaceAll(/(?<=^|\.)0+(?=[0-9])/g, ""));
  }
  return [...found];
}

function withoutPort(authority: string): string {
  if (authority.startsWith("[")) return authority.slice(0, authority.indexOf("]") + 1 || authority.length);
  return authority.split(":", 1)[0] ?? "";
}

function decoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Schemes that name no host: what follows the colon is not looked at for one. */
const opaqueSchemes: ReadonlySet<string> = words(`
  javascript vbscript livescript data mailto tel urn about blob cid mid news magnet file
`);

/** The scheme as written, in lower case; empty where there is none. A name before a port is not one: `localhost:8080`. */
function schemeOf(text: string): string {
  const compact = text.slice(0, 200).replaceAll(/[\t\r\n]/g, "");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(compact)?.[1]?.toLowerCase() ?? "";
  if (scheme === "" || compact.slice(scheme.length + 1).startsWith("/") || opaqueSchemes.has(scheme)) return scheme;
  return /^[0-9]/.test(compact.slice(scheme.length + 1)) || scheme.includes(".") ? "" : scheme;
}

function needsHost(scheme: string): boolean {
  return scheme === "" || defaultPort(scheme) !== null;
}

/** What some clients strip before they read: space around it, angle brackets, a leading `URL:`. */
function unwrapped(text: string): string {
  return text
    .replace(/^[\0-\x20]+|[\0-\x20]+$/g, "")
    .replace(/^<(.*)>$/s, "$1")
    .replace(/^url:\s*(?=.)/i, "");
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function* oddities(text: string): Generator<string> {
  const trimmed = text.trim();
  const cleaned = unwrapped(text);
  const authority = /^[a-z][a-z0-9+.-]*:[/\\]*([^/?#\\]*)/i.exec(cleaned)?.[1] ?? "";
  const scheme = schemeOf(cleaned);
  if (trimmed !== text || /\s/.test(trimmed)) yield "whitespace";
  if (/\p{Cc}/u.test(trimmed)) yield "control";
  if (/[\u{061C}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{2069}\u{FEFF}\u{00AD}]/u.test(trimmed)) yield "invisible";
  if (cleaned !== trimmed) yield "wrapped";
  if (/^[^?#]*\\/.test(cleaned)) yield "backslash";
  if (scheme === "") yield "no_scheme";
  else if (defaultPort(scheme) !== null && !/^[^:]*:\/\/[^/\\]/.test(cleaned) && /^[^:]*:[/\\]*[^/\\]/.test(cleaned)) yield "slashes";
  if (authority.includes("@") && !opaqueSchemes.has(scheme)) yield "userinfo";
  else if (/^[^/]*:\/\/[^/]*[?#][^/]*@/.test(cleaned)) yield "at_sign";
  const host = withoutPort(authority.slice(authority.lastIndexOf("@") + 1));
  if (host.includes("%") || /%/.test(authority.replace(/^[^[]*/, ""))) yield "percent_in_host";
  if (/[^\0-\x7f]/.test(host)) yield mapsToAscii(host) ? "mapped_host" : "non_ascii_host";
  if (/(?:^|\.)xn--/i.test(host)) yield "punycode";
  if (/^\.|\.\./.test(host)) yield "empty_label";
  if (isOddAddress(host)) yield "odd_address";
  if (/[^\0-\x7f]/.test(cleaned) && !/[^\0-\x7f]/.test(host)) yield "non_ascii";
}

/** A host with a character beyond ASCII that turns into dots, digits or letters of ASCII: what is read is not what is called. */
function mapsToAscii(host: string): boolean {
  return (host.match(/[^\0-\x7f]/gu) ?? []).some((sign) =>
    /^[\0-\x7f]*$/.test(sign.normalize("NFKC").replaceAll(/[\u3002\uFF61\u00AD]/g, "")),
  );
}

/** An address that is not written as four decimal numbers. */
function isOddAddress(host: string): boolean {
  const canonical = readHost(host);
  return canonical !== null && canonical.address !== "" && !host.startsWith("[") && canonical.text !== host;
}

import type { JsonValue } from "../json.ts";
import { isJsonObject, member } from "../json.ts";
import { Effects } from "./effects.ts";
import { bool, int, list, string } from "./schema.ts";
import type { FactFunction, RecordType } from "./schema.ts";
import { invalid, open } from "./unknown.ts";
import type { Unknown } from "./unknown.ts";
import { hostMatches, hostPattern } from "./url/address.ts";
import type { AddressClass, Host, HostPattern } from "./url/address.ts";
import { defaultPort, readUrl } from "./url/readings.ts";
import { readRequest } from "./url/request.ts";
import { words } from "./words.ts";

/** What an address may reach, and what goes along with it where it is the payload's own. */
export interface UrlFact {
  readonly text: string;
  readonly valid: boolean;
  readonly deceptive: boolean;
  readonly problems: Effects<string>;
  readonly scheme: string;
  readonly unsafe_scheme: boolean;
  readonly host: string | Unknown;
  readonly hosts: Effects<string>;
  readonly port: number | Unknown;
  readonly default_port: boolean;
  readonly path: string;
  readonly credentials: boolean;
  readonly address_class: AddressClass | Unknown;
  readonly internal: boolean | Unknown;
  readonly routed_to: Effects<string>;
  readonly mentioned: Effects<string>;
  readonly mentions_internal: boolean | Unknown;
  readonly hostIn: (patterns: JsonValue) => boolean | Unknown;
}

/** Problems that make two careful clients call two different places, or one client say what it was not asked to. */
const deceptions: ReadonlySet<string> = words(`
  backslash control invisible slashes userinfo percent_in_host mapped_host header_injection
`);

/** Problems that leave no doubt about where the call goes. */
const harmless: ReadonlySet<string> = new Set(["punycode", "non_ascii"]);

/** Schemes that read from the machine, run code, or carry raw bytes to any port. */
const unsafeSchemes: ReadonlySet<string> = words(`
  file javascript vbscript livescript unix npipe gopher dict jar netdoc phar php expect zip ogg view-source chrome
  chrome-extension resource res ms-appx intent content about blob glob compress.zlib local_file filesystem shell vscode data
`);

/**
 * Understands `text` as an address, and where `payload` is the request's own, what its headers, body and further fields say. Pure and total;
 * what is past a cap is not read, and leaves what rests on it open.
 */
export function analyseUrl(text: string, payload: JsonValue | null = null): UrlFact {
  const url = readUrl(text);
  const request = readRequest(url, payload);
  const problems = request.injected ? [...url.problems, "header_injection"] : url.problems;
  const reached: readonly Host[] = [...url.hosts, ...request.routed];
  const { scheme } = url;
  const unreadable = problems.includes("unparsable") ? "the address cannot be read" : null;
  const defaulted = defaultPort(scheme);
  const host = url.host;
  const compound = scheme.split(/[+:]/);

  return {
    text,
    valid: problems.every((problem) => harmless.has(problem)) && host !== null,
    deceptive: problems.some((problem) => deceptions.has(problem)),
    problems: new Effects(problems),
    scheme,
    unsafe_scheme: compound.some((part) => unsafeSchemes.has(part)),
    host: host === null ? open(unreadable ?? "the address names no host") : host.text,
    hosts: new Effects(
      reached.map((item) => item.text),
      request.routedOpen ?? unreadable,
    ),
    port: url.port ?? open("the port is not known"),
    default_port: defaulted !== null && url.port === defaulted,
    path: url.path,
    credentials: problems.includes("userinfo"),
    address_class: host === null ? open(unreadable ?? "the address names no host") : host.address,
    internal: anyInternal(reached, request.routedOpen ?? unreadable),
    routed_to: new Effects(
      request.routed.map((item) => item.text),
      request.routedOpen,
    ),
    mentioned: new Effects(
      request.mentioned.map((item) => item.text),
      request.mentionedOpen,
    ),
    mentions_internal: anyInternal(request.mentioned, request.mentionedOpen),
    hostIn: (patterns) => hostIn(patterns, reached, request.routedOpen ?? unreadable),
  };
}

function anyInternal(hosts: readonly Host[], openWhy: string | null): boolean | Unknown {
  return hosts.some((item) => item.internal) || (openWhy === null ? false : open(openWhy));
}

/** Whether every host that may be reached matches one of the patterns; open where some do, invalid where a pattern is none. */
function hostIn(asked: JsonValue, reached: readonly Host[], openWhy: string | null): boolean | Unknown {
  const texts = typeof asked === "string" ? [asked] : asked;
  if (!Array.isArray(texts)) return invalid("the hosts are neither a string nor a list of strings");
  const patterns: HostPattern[] = [];
  let bad: Unknown | null = null;
  for (const text of texts as readonly JsonValue[]) {
    const pattern = typeof text === "string" ? hostPattern(text) : null;
    if (pattern === null) bad ??= invalid(`${JSON.stringify(text).slice(0, 80)} is neither a host nor \`*.\` and a name`);
    else patterns.push(pattern);
  }
  const matching = reached.filter((host) => patterns.some((pattern) => hostMatches(host, pattern))).length;
  if (reached.length > 0 && matching === reached.length && openWhy === null) return true;
  if (bad !== null) return bad;
  if (matching === 0 && openWhy === null) return reached.length > 0 ? false : open("the address names no host");
  return open(openWhy ?? "the address can be read in more than one way");
}

export const urlRecord: RecordType = {
  name: "Url",
  description: "What an address may reach, read as every client may, and what goes along with it in the payload.",
  members: {
    text: { kind: "field", type: string, description: "the address as it was given" },
    valid: { kind: "field", type: bool, description: "all readers agree on it: it has a scheme, a host, and nothing odd" },
    deceptive: {
      kind: "field",
      type: bool,
      description:
        "clients would differ on where it goes or what is sent: a backslash, control characters, credentials before the host, %, missing slashes, letters that turn into others, a line break in a header",
    },
    problems: {
      kind: "field",
      type: list(string),
      description:
        "what is odd about it: at_sign, backslash, control, empty_label, header_injection, invisible, mapped_host, no_scheme, non_ascii, non_ascii_host, odd_address, percent_in_host, punycode, slashes, too_long, unparsable, userinfo, whitespace, wrapped",
    },
    scheme: { kind: "field", type: string, description: "`https`; empty where there is none" },
    unsafe_scheme: {
      kind: "field",
      type: bool,
      description: "reads from the machine, runs code, or carries raw bytes: file, unix, javascript, gopher, …",
    },
    host: { kind: "field", type: string, description: "the host in lower case and punycode, an address in its canonical form" },
    hosts: {
      kind: "field",
      type: list(string),
      description: "every host that some client may call, those of routing headers and fields included",
    },
    port: { kind: "field", type: int, description: "the port, the scheme's own where none is written" },
    default_port: { kind: "field", type: bool, description: "the port is the scheme's own" },
    path: { kind: "field", type: string, description: "the path, dots resolved" },
    credentials: { kind: "field", type: bool, description: "holds a user name or password before the host" },
    address_class: {
      kind: "field",
      type: string,
      description: "what kind of address the host is: loopback, private, link_local, metadata, special or public; empty for a name",
    },
    internal: {
      kind: "field",
      type: bool,
      description:
        "some host that it may reach is an address that is not public, however written, or a name such as localhost, *.internal or one without a dot",
    },
    routed_to: {
      kind: "field",
      type: list(string),
      description: "other hosts that a header (Host, X-Forwarded-Host, …) or a field (proxy, base_url, …) sends the call to",
    },
    mentioned: {
      kind: "field",
      type: list(string),
      description: "hosts of addresses written in its path, query and fragment, in other headers, and in the body",
    },
    mentions_internal: { kind: "field", type: bool, description: "one of those is internal" },
    host_in: {
      kind: "method",
      type: bool,
      parameters: [{ name: "hosts", types: [string, list(string)] }],
      description: "every host that it may reach is one of these or lies below a `*.name` of them, label by label",
      call: (fact: UrlFact, args) => fact.hostIn(args[0] ?? null),
    },
  },
};

/** `url(payload.url)`: the argument as an address; with the payload's headers, body and further fields where it is the payload's `url`. */
export const urlFacts: FactFunction = {
  name: "url",
  description: "Understands a text as the address of a request.",
  parameters: [{ name: "url", types: [string] }],
  result: urlRecord,
  analyse: ([text], { payload }) => {
    if (typeof text !== "string") return invalid("the address is not a string");
    const own = isJsonObject(payload) && member(payload, "url") === text;
    return analyseUrl(text, own ? payload : null);
  },
};

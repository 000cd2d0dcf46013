import ipaddr from "ipaddr.js";
import { words } from "../words.ts";

/** What kind of host it is; empty for a name, which only a resolver could tell more about. */
export type AddressClass = "" | "loopback" | "private" | "link_local" | "metadata" | "special" | "public";

export interface Host {
  /** As it is compared: lower case, punycode, no trailing dot; an address in its shortest canonical form, without brackets. */
  readonly text: string;
  readonly address: AddressClass;
  /** An address that is not public, or a name that leads to one or into a network of somebody's own. */
  readonly internal: boolean;
}

/**
 * Understands a host as URLs write it (WHATWG URL §3.5): every spelling of an IPv4 address, bracketed IPv6 with or without a zone,
 * internationalised names. Null where it is no host.
 */
export function readHost(raw: string): Host | null {
  if (raw === "" || raw.length > 1024) return null;
  const v6 = /^\[?([0-9a-f.:]*:[0-9a-f.:]*)(?:%[^\]]*)?\]?$/i.exec(raw)?.[1];
  const written = v6 === undefined ? raw : `[${v6}]`;
  let hostname: string;
  try {
    hostname = new URL(`http://${written}/`).hostname;
  } catch {
    return null;
  }
  if (hostname === "") return null;
  if (hostname.startsWith("[")) return ipv6(hostname.slice(1, -1));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) {
    const address = classOfIpv4(hostname);
    return { text: hostname, address, internal: address !== "public" };
  }
  const text = hostname.replace(/\.$/, "");
  return text === "" ? null : { text, address: "", internal: isInternalName(text) };
}

/** Whether `host` is `pattern`, or lies below it where the pattern is `*.name`; by whole labels, addresses by their value. */
export function hostMatches(host: Host, pattern: HostPattern): boolean {
  if (!pattern.below) return host.text === pattern.host.text;
  return host.address === "" && !/^\.|\.\./.test(host.text) && host.text.endsWith(`.${pattern.host.text}`);
}

export interface HostPattern {
  readonly host: Host;
  /** `*.name`: every name below, and not the name itself. */
  readonly below: boolean;
}

/** A host name, address or `*.name` as a policy or context writes it; null where it is none of these (a URL, a port, a lone star). */
export function hostPattern(text: string): HostPattern | null {
  const below = text.startsWith("*.");
  const name = below ? text.slice(2) : text;
  if (/[*/\\@?#\s%]/.test(name) || /^[^:]*:\d*$/.test(name)) return null;
  const host = readHost(name);
  if (host === null || (below && host.address !== "")) return null;
  return { host, below };
}

function ipv6(text: string): Host | null {
  try {
    const parsed = ipaddr.IPv6.parse(text);
    const address = classOfIpv6(parsed);
    return { text: parsed.toRFC5952String(), address, internal: address !== "public" };
  } catch {
    return null;
  }
}

/** Addresses at which clouds tell a machine its credentials; one of them (Azure's) is in public space. */
const metadata: ReadonlySet<string> = words(`
  169.254.169.254 169.254.169.253 169.254.169.123 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192
  fd00:ec2::254 fd00:ec2::253 fd00:ec2::23 fd20:ce::254 fd00:42::42
`);

function classOfIpv4(text: string): AddressClass {
  if (metadata.has(text)) return "metadata";
  const range = ipaddr.IPv4.parse(text).range();
  switch (range) {
    case "unicast":
      return "public";
    case "loopback":
    case "unspecified":
      // 0.0.0.0/8 reaches the machine itself on the systems that people use.
      return "loopback";
    case "private":
    case "carrierGradeNat":
      return "private";
    case "linkLocal":
      return "link_local";
    default:
      return "special";
  }
}

function classOfIpv6(address: ipaddr.IPv6): AddressClass {
  if (metadata.has(address.toRFC5952String())) return "metadata";
  const embedded = embeddedIpv4(address.parts);
  const range = address.range();
  if (range === "loopback" || range === "unspecified") return "loopback";
  if (range === "ipv4Mapped" && embedded !== null) return classOfIpv4(embedded);
  if (embedded !== null) {
    const inner = classOfIpv4(embedded);
    return inner === "public" ? "special" : inner;
  }
  if (range === "linkLocal") return "link_local";
  if (range === "uniqueLocal") return "private";
  // Only 2000::/3 is handed out as global unicast (RFC 4291 §2.4); a name for the rest may come later, trust does not.
  const first = address.parts[0] ?? 0;
  return range === "unicast" && first >> 13 === 1 && first !== 0x3fff ? "public" : "special";
}

/** The IPv4 address that an IPv6 one stands for or is routed to, or null where it holds none. */
function embeddedIpv4(parts: readonly number[]): string | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = parts;
  const zero = a === 0 && b === 0 && c === 0 && d === 0;
  // Mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1) and translated (RFC 2765) addresses.
  if (zero && ((e === 0 && (f === 0xffff || f === 0)) || (e === 0xffff && f === 0))) return quad(g, h);
  // NAT64, the well-known prefix and the local ones (RFC 6052, RFC 8215).
  if (a === 0x64 && b === 0xff9b) return quad(g, h);
  if (a === 0x2002) return quad(b, c);
  // Teredo (RFC 4380) holds the client's address with all bits turned.
  if (a === 0x2001 && b === 0) return quad(g ^ 0xffff, h ^ 0xffff);
  // ISATAP (RFC 5214).
  if ((e === 0 || e === 0x200) && f === 0x5efe) return quad(g, h);
  return null;
}

function quad(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** Names reserved for machines and networks of one's own (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal), and what clouds and containers use. */
const internalSuffixes: readonly string[] = [
  ...words(`
    localhost localdomain local internal intranet private corp home lan home.arpa test svc consul docker kubernetes.default
  `),
  // Public names whose records are loopback addresses, kept for developers.
  ...words(`
    localtest.me lvh.me lacolhost.com vcap.me localho.st fuf.me ulh.us 127-0-0-1.org.uk localhost.direct local.gd
  `),
];

/** Services that answer each name with the address that the name spells, in more ways than are worth telling apart. */
const wildcardDns: readonly string[] = [...words("nip.io sslip.io xip.io xip.name rbndr.us 1u.ms traefik.me local-ip.co backname.io")];

function isInternalName(name: string): boolean {
  if (!name.includes(".")) return true;
  if (internalSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))) return true;
  return wildcardDns.some((suffix) => name.endsWith(`.${suffix}`)) || embedsInternalAddress(name);
}

/** Whether four labels of the name in a row spell an address that is not public, as wildcard name services resolve it. */
function embedsInternalAddress(name: string): boolean {
  const labels = name.split(".");
  return labels.some((_label, at) => {
    const numbers = labels.slice(at, at + 4);
    if (numbers.length < 4 || !numbers.every((label) => /^[0-9]{1,3}$/.test(label) && Number(label) <= 255)) return false;
    return classOfIpv4(numbers.map(Number).join(".")) !== "public";
  });
}

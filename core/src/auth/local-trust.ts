import { isIPv6 } from "node:net";

/** What the socket and the upgrade request say of the other side; none of it is proven by a credential. */
export interface PeerFacts {
  /** Address of the TCP peer. */
  readonly address: string;
  /** The Host header. */
  readonly host: string | undefined;
  /** The Origin header, which browsers always send with an upgrade. */
  readonly origin: string | undefined;
  /** True when any header says that a proxy passed the request on. */
  readonly forwarded: boolean;
}

/** Headers besides `X-Forwarded-*` by which proxies say that they pass on a request; programs on this host send none of them. */
const FORWARDING_HEADERS: ReadonlySet<string> = new Set([
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
  "tailscale-user-login",
]);

/** Whether a header, in lower case, says that a proxy speaks for somebody else (wire protocol 8.2). */
export const isForwardingHeader = (name: string): boolean =>
  name.startsWith("x-forwarded-") || FORWARDING_HEADERS.has(name);

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/** One spelling for one address: an IPv4 address in IPv6 clothes is written as IPv4, and zones are dropped. */
export function canonicalAddress(address: string | undefined): string {
  const plain = (address ?? "").split("%")[0]?.toLowerCase() ?? "";
  return MAPPED.exec(plain)?.[1] ?? plain;
}

/** For addresses as sockets report them. */
export const isLoopbackAddress = (address: string): boolean => {
  const canonical = canonicalAddress(address);
  return canonical === "::1" || LOOPBACK_V4.test(canonical);
};

/** For names in Host and Origin headers: `localhost`, 127.0.0.0/8 and `[::1]`, never a name that only begins like one. */
export function isLoopbackHostname(name: string): boolean {
  const plain = name.toLowerCase().replace(/\.$/, "");
  return plain === "localhost" || plain === "[::1]" || plain === "::1" || LOOPBACK_V4.test(plain);
}

/** The name in a Host header, without the port; `undefined` when it is missing or malformed. */
export function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === "") return undefined;
  if (isIPv6(host)) return host;
  try {
    const url = new URL(`http://${host}`);
    return url.pathname === "/" && url.username === "" && url.search === "" ? url.hostname : undefined;
  } catch {
    return undefined;
  }
}

/**
 * True for a client on the gateway's own host: a loopback peer that addressed a loopback name, without a proxy's headers and
 * not from a browser page (wire protocol section 0, "Local"). A tunnel or a proxy on this host that adds no headers looks
 * the same; `gateway.auth.localTrust: "off"` is for hosts that have one.
 */
export function isLocalPeer(peer: PeerFacts, localTrust: "on" | "off"): boolean {
  if (localTrust === "off" || peer.forwarded || peer.origin !== undefined) return false;
  const name = hostnameOf(peer.host);
  return name !== undefined && isLoopbackHostname(name) && isLoopbackAddress(peer.address);
}

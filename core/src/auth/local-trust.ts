import { isIPv6 } from "node:net";
import { isLoopbackAddress, parseAddress } from "./addresses.ts";
import type { OwnHost } from "./own-host.ts";
import type { Vouched } from "./vouched.ts";

/** What the socket and the upgrade request say of the other side; none of it is proven by a credential. */
export interface PeerFacts {
  /** The client's address, canonical: the socket's own one, or what trusted proxies (`gateway.trustedProxies`) say of it. */
  readonly address: string;
  /** The Host header. */
  readonly host: string | undefined;
  /** The Origin header, which browsers always send with an upgrade. */
  readonly origin: string | undefined;
  /** True when any header says that a proxy passed the request on. */
  readonly forwarded: boolean;
  /** True for a client on the gateway's own host, as far as address and Host show it (see `isOnHost`). */
  readonly onHost: boolean;
  /** Whether the Host header names this gateway. Any web page can have a name of its own point here (DNS rebinding). */
  readonly hostAllowed: boolean;
  /**
   * Whether what the client sends is encrypted on its way: by TLS here, or by TLS that a proxy says it ended, trusted or on this
   * host. Whoever only says so gives away nothing but what they send themselves.
   */
  readonly secure: boolean;
  /** What a proxy in front says of its user; absent when the auth mode asks no proxy. */
  readonly vouched?: Vouched;
}

/** Headers besides `X-Forwarded-*` by which proxies say that they pass on a request; programs on this host send none of them. */
const FORWARDING_HEADERS: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded",
  "via",
  "cdn-loop",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-envoy-external-address",
  "true-client-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "cf-connecting-ip",
  "tailscale-user-login",
]);

/** Whether a header, in lower case, says that a proxy speaks for somebody else (wire protocol 8.2). */
export const isForwardingHeader = (name: string): boolean =>
  name.startsWith("x-forwarded-") || FORWARDING_HEADERS.has(name);

/** For names in Host and Origin headers: `localhost`, 127.0.0.0/8 and `[::1]`, never a name that only begins like one. */
export function isLoopbackHostname(name: string): boolean {
  const plain = plainName(name);
  return plain === "localhost" || isLoopbackAddress(plain.replace(/^\[(.*)\]$/, "$1"));
}

/** A name of a Host header as it is compared: lower case, without the dot of the root and the brackets of an address. */
export const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, "");

const COMMON_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** The name in a Host header, without the port; `undefined` when it is missing or malformed. */
export function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === "") return undefined;
  const common = COMMON_HOST.exec(host)?.[1];
  if (common !== undefined) return common;
  if (isIPv6(host)) return host;
  try {
    const url = new URL(`http://${host}`);
    return url.pathname === "/" && url.username === "" && url.password === "" && url.search === "" && url.hash === ""
      ? url.hostname
      : undefined;
  } catch {
    return undefined;
  }
}

/** The address that a name in a Host header is, canonical, or undefined for a real name. */
export const addressInName = (name: string): string | undefined =>
  parseAddress(plainName(name).replace(/^\[(.*)\]$/, "$1"));

export interface Whereabouts {
  readonly address: string;
  /** Of the Host header, without the port. */
  readonly hostname: string | undefined;
  /** `trusted`: passed on by a proxy of `gateway.trustedProxies` that told one client address. */
  readonly forwarded: "no" | "trusted" | "untrusted";
}

/**
 * True for a client on the gateway's own host: a loopback peer that addressed a loopback name, or a peer with one of this
 * host's own tailnet addresses that addressed one of them or this host's MagicDNS name (wire protocol section 0, "Local").
 * What a proxy says is believed of trusted ones, and never when it says "loopback": then a header alone would make a stranger
 * local (CVE-2026-35656). A tunnel or a proxy on this host that adds no headers looks like a program of this host.
 */
export function isOnHost({ address, hostname, forwarded }: Whereabouts, own: OwnHost): boolean {
  if (hostname === undefined || forwarded === "untrusted") return false;
  if (isLoopbackAddress(address)) return forwarded === "no" && isLoopbackHostname(hostname);
  if (!own.hasTailnetAddress(address)) return false;
  const named = addressInName(hostname);
  return named === undefined ? own.isTailnetName(plainName(hostname)) : own.hasTailnetAddress(named);
}

/**
 * Whether a client is local: on this host, and not a web page. `gateway.auth.localTrust: "off"` is for hosts with a tunnel or
 * a proxy that adds no headers.
 */
export const isLocalPeer = (peer: Pick<PeerFacts, "onHost" | "origin">, localTrust: "on" | "off"): boolean =>
  localTrust === "on" && peer.onHost && peer.origin === undefined;

import {
  type AddressSet,
  canonicalAddress,
  createAddressSet,
  isLoopbackAddress,
  isTailnetAddress,
} from "./addresses.ts";
import { type RawHeaders, forwardedAddress, singleHeader } from "./forwarded.ts";
import {
  type PeerFacts,
  addressInName,
  hostnameOf,
  isForwardingHeader,
  isLoopbackHostname,
  isOnHost,
  plainName,
} from "./local-trust.ts";
import type { OwnHost } from "./own-host.ts";
import type { Vouched } from "./vouched.ts";

/** The parts of an HTTP request that say something of its sender. */
export interface RequestFacts {
  /** Address of the TCP peer. */
  readonly socketAddress: string | undefined;
  /** Whether the socket itself is encrypted. */
  readonly encrypted: boolean;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: RawHeaders;
}

export type PeerReader = (request: RequestFacts) => PeerFacts;

export interface PeerPolicy {
  /** `gateway.trustedProxies`. */
  readonly trustedProxies: AddressSet;
  readonly own: OwnHost;
  /** Names besides its own that this gateway is reached by: `gateway.allowedHosts` and the host of `gateway.publicUrl`. */
  readonly hosts: readonly string[];
  /** Who vouches for users in this auth mode. */
  readonly vouch?: (socketAddress: string, raw: RawHeaders) => Vouched;
  /** Headers of the auth mode, in lower case; who sends one is a proxy or pretends to be one. */
  readonly proxyHeaders?: readonly string[];
}

/** Reads what an upgrade or request shows of its sender. Nothing of it lets anybody in. */
export function createPeerReader(policy: PeerPolicy): PeerReader {
  const { own, trustedProxies, vouch } = policy;
  const hosts = new Set(policy.hosts.map(plainName));
  const ownHeaders = new Set(policy.proxyHeaders);
  const speaksForOthers = (name: string): boolean => isForwardingHeader(name) || ownHeaders.has(name);

  function isAllowed(hostname: string): boolean {
    if (isLoopbackHostname(hostname)) return true;
    const name = plainName(hostname);
    if (hosts.has(name)) return true;
    const address = addressInName(hostname);
    return address === undefined ? own.isTailnetName(name) : own.hasAddress(address);
  }

  return ({ socketAddress, encrypted, headers, rawHeaders }) => {
    const from = canonicalAddress(socketAddress);
    const host = textOf(headers["host"]);
    const origin = textOf(headers["origin"]);
    const hostname = hostnameOf(host);
    const forwarded = Object.keys(headers).some(speaksForOthers);
    const trusts = forwarded && trustedProxies.has(from);
    const told = trusts ? forwardedAddress(rawHeaders, trustedProxies) : undefined;
    const address = told ?? from;
    const word = !forwarded ? "no" : told === undefined ? "untrusted" : "trusted";
    const vouched = vouch?.(from, rawHeaders);
    return {
      address,
      host,
      origin,
      forwarded,
      onHost: isOnHost({ address, hostname, forwarded: word }, own),
      hostAllowed: hostname !== undefined && isAllowed(hostname),
      secure: encrypted || ((trusts || isLoopbackAddress(from)) && endedTls(rawHeaders)),
      ...(vouched === undefined ? {} : { vouched }),
    };
  };
}

const textOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

const endedTls = (raw: RawHeaders): boolean => /^(https|wss)$/i.test(singleHeader(raw, "x-forwarded-proto") ?? "");

const LOGIN_HEADER = "tailscale-user-login";
const SERVE_PROXY = createAddressSet(["127.0.0.0/8", "::1"]);

/**
 * What is to be asked of the Tailscale daemon: who is at the tailnet address that `tailscale serve` names, or at the address
 * of a direct connection over the tailnet. Source: https://tailscale.com/kb/1312/serve#identity-headers
 */
export function tailscaleVouching(socketAddress: string, raw: RawHeaders): Vouched {
  if (isTailnetAddress(socketAddress)) return { is: "ask", claim: { address: socketAddress } };
  const login = singleHeader(raw, LOGIN_HEADER);
  if (login === undefined) return { is: "fault", reason: "tailscale_user_missing" };
  const address = isLoopbackAddress(socketAddress) ? forwardedAddress(raw, SERVE_PROXY) : undefined;
  if (address === undefined || !isTailnetAddress(address)) return { is: "fault", reason: "tailscale_proxy_missing" };
  return { is: "ask", claim: { address, login } };
}

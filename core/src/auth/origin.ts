import { type PeerFacts, hostnameOf, isLoopbackHostname } from "./local-trust.ts";

/** Which web pages may open a gateway connection (`gateway.controlUi`). */
export interface OriginPolicy {
  /** Origins as `scheme://host[:port]`; the port of the scheme and letters beyond ASCII may be written either way. */
  readonly allowedOrigins: readonly string[];
  /** Also accept a page whose host and port are those of the Host header. Default false: names can be rebound. */
  readonly allowHostHeader: boolean;
}

export type OriginFault = "origin not allowed" | "origin missing or invalid";

/** True for the clients that are web pages by definition and so must always show an origin (wire protocol 1.3). */
export const isBrowserClient = (client: { readonly id: string; readonly mode: string }): boolean =>
  client.id === "openclaw-control-ui" || client.id === "webchat-ui" || client.mode === "webchat";

/**
 * Why a page may not connect, or undefined when it may or no page is involved (wire protocol 1.3). Headers of a proxy do not
 * switch the check off, whatever that section says: every web page can be behind a proxy.
 */
export function originFault(
  peer: PeerFacts,
  client: { readonly id: string; readonly mode: string },
  policy: OriginPolicy,
): OriginFault | undefined {
  const given = peer.origin?.trim() ?? "";
  if (given === "" && !isBrowserClient(client)) return undefined;
  const origin = parseOrigin(given);
  if (origin === undefined) return "origin missing or invalid";
  if (policy.allowedOrigins.some((allowed) => isSame(parseOrigin(allowed.trim()), origin))) return undefined;
  if (policy.allowHostHeader && origin.host === peer.host?.toLowerCase()) return undefined;
  return areBothLoopback(origin.hostname, hostnameOf(peer.host)) ? undefined : "origin not allowed";
}

const areBothLoopback = (origin: string, host: string | undefined): boolean =>
  host !== undefined && isLoopbackHostname(host) && isLoopbackHostname(origin);

function parseOrigin(text: string): URL | undefined {
  if (text === "" || text === "null") return undefined;
  try {
    const url = new URL(text);
    // Browsers send nothing but scheme, host and port.
    const bare = ["", "/"].includes(url.pathname) && `${url.username}${url.password}${url.search}${url.hash}` === "";
    return url.host !== "" && bare ? url : undefined;
  } catch {
    return undefined;
  }
}

const isSame = (allowed: URL | undefined, origin: URL): boolean =>
  allowed !== undefined && originText(allowed) === originText(origin);

/** `URL.origin` reads "null" for the schemes of browser extensions and native shells. */
const originText = (url: URL): string => `${url.protocol}//${url.host}`.toLowerCase();

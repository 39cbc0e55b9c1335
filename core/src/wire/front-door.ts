import type { IncomingMessage } from "node:http";
import { valuesOf } from "../auth/forwarded.ts";
import type { PeerFacts } from "../auth/local-trust.ts";
import type { PeerReader } from "../auth/peer.ts";
import type { Answer } from "./http-answer.ts";

export type Admittance =
  | { readonly ok: true; readonly peer: PeerFacts }
  | { readonly ok: false; readonly answer: Answer; readonly peer?: PeerFacts };

/** Looks at a request before anything else does. */
export interface FrontDoor {
  /** An HTTP request is served under this gateway's own names only. */
  request(incoming: IncomingMessage): Admittance;
  /** An upgrade under another name is served to programs, as one from elsewhere, and refused to web pages. */
  upgrade(incoming: IncomingMessage): Admittance;
}

const BAD_REQUEST: Answer = { status: 400, body: "Bad Request" };

/** A page under a name that its owner made point here would be of one origin with this gateway (DNS rebinding). */
const MISDIRECTED: Answer = {
  status: 421,
  body: "Misdirected Request: this gateway does not know the host name you used. Add it to gateway.allowedHosts, or open the gateway as localhost.",
};

export function createFrontDoor(readPeer: PeerReader): FrontDoor {
  function look(incoming: IncomingMessage, isServed: (peer: PeerFacts) => boolean): Admittance {
    if (!isPlain(incoming)) return { ok: false, answer: BAD_REQUEST };
    const { headers, rawHeaders, socket } = incoming;
    // Only sockets of `node:tls` have it.
    const encrypted = "encrypted" in socket && socket.encrypted === true;
    const peer = readPeer({ socketAddress: socket.remoteAddress, encrypted, headers, rawHeaders });
    return isServed(peer) ? { ok: true, peer } : { ok: false, answer: MISDIRECTED, peer };
  }
  return {
    request: (incoming) => look(incoming, (peer) => peer.hostAllowed),
    upgrade: (incoming) => look(incoming, (peer) => peer.hostAllowed || peer.origin === undefined),
  };
}

/** One Host header and one Origin at most, and a path: what could be read in two ways is not read at all. */
const isPlain = ({ url, rawHeaders }: IncomingMessage): boolean =>
  url?.startsWith("/") === true &&
  valuesOf(rawHeaders, "host").length === 1 &&
  valuesOf(rawHeaders, "origin").length <= 1;

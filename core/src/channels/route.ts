import type { Inbound, Peer } from "openclaw-host-sdk";
import { type SessionKey, sessionKey } from "../base/brand.ts";
import { listedByName } from "./access.ts";

/** Where an answer goes. */
export interface DeliveryTarget {
  readonly channel: string;
  /** The account's config label. */
  readonly account: string;
  readonly peer: Peer;
  /** Message to answer to. */
  readonly replyTo?: string;
}

/** What routing depends on, for one account. */
export interface Routing {
  readonly agentId: string;
  /** Last segment of the main session's key. Default `main`. */
  readonly mainKey: string;
  /** `session.scope`: a session for each conversation, or one session, `global`, for all of them. */
  readonly scope: "per-sender" | "global";
  /** Ids and `@handles` the owner named; only they ever reach the main session. */
  readonly owners: readonly string[];
}

export interface Route {
  readonly agentId: string;
  readonly sessionKey: SessionKey;
  readonly target: DeliveryTarget;
}

/**
 * One segment of a session key. Keys are lower-cased and split at `:`, so both are escaped first: two peers whose ids differ
 * only in case never share a session.
 */
export function keySegment(id: string): string {
  return id.replaceAll(/[\p{Lu}\p{Lt}:%\s]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

function keyOf(routing: Routing, scope: { channel: string; event: Inbound }): string {
  if (routing.scope === "global") return "global";
  const { peer, from } = scope.event;
  const prefix = `agent:${keySegment(routing.agentId)}`;
  if (peer.kind === "dm" && listedByName(routing.owners, from)) {
    return `${prefix}:${keySegment(routing.mainKey)}`;
  }
  const thread = peer.threadId === undefined ? "" : `:thread:${keySegment(peer.threadId)}`;
  return `${prefix}:${keySegment(scope.channel)}:${peer.kind}:${keySegment(peer.id)}${thread}`;
}

/**
 * Chooses session and target of an event. Pure. Unless one session is for everything, private messages of people the owner
 * named share the agent's main session; everybody else, and every group and thread, has a session of its own. An answer in
 * a group points at its question.
 */
export function resolveRoute(
  routing: Routing,
  scope: { readonly channel: string; readonly account: string; readonly event: Inbound },
): Route {
  const { channel, account, event } = scope;
  const answers = event.type === "message" && event.peer.kind !== "dm" ? { replyTo: event.messageId } : {};
  return {
    agentId: routing.agentId,
    sessionKey: sessionKey(keyOf(routing, scope)),
    target: { channel, account, peer: event.peer, ...answers },
  };
}

/** What must happen in order happens within one lane: one conversation of one account. */
export function laneKey(channel: string, account: string, peer: Pick<Peer, "id" | "threadId">): string {
  const parts = [channel, account, peer.id, ...(peer.threadId === undefined ? [] : [peer.threadId])];
  return parts.map((part) => part.replaceAll("%", "%25").replaceAll("/", "%2f")).join("/");
}

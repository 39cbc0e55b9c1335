import type { Binding } from "openclaw-host-schemas";
import type { Actor, Inbound, Peer } from "openclaw-host-sdk";
import { type SessionKey, sessionKey } from "../../base/brand.ts";

/** Where an answer goes. */
export interface DeliveryTarget {
  readonly channel: string;
  /** The account's config label. */
  readonly account: string;
  readonly peer: Peer;
  /** Message to answer to. */
  readonly replyTo?: string;
}

/** What the configuration says of agents and sessions. */
export interface Routing {
  /** The default agent. */
  readonly agentId: string;
  /** Last segment of the main session's key. Default `main`. */
  readonly mainKey: string;
  /** `session.scope`: a session for each conversation of an account, of a channel, or one, `global`, for all of them. */
  readonly scope: "per-sender" | "per-peer" | "global";
  /** `session.mainFor`: `channel:id`, or an id; only these people ever reach the main session. */
  readonly mainFor: readonly string[];
  readonly bindings: readonly Binding[];
}

interface RouteScope {
  readonly channel: string;
  readonly account: string;
  readonly event: Inbound;
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

/** True for whom `session.mainFor` names. Handles do not count: one who takes over a handle must not read the main session. */
export function isMainOwner({ mainFor }: Pick<Routing, "mainFor">, channel: string, from: Actor): boolean {
  return mainFor.includes(from.id) || mainFor.includes(`${channel}:${from.id}`);
}

/** How closely a rule fits; undefined when it does not. */
function closeness({ match }: Binding, { channel, account, event }: RouteScope): number | undefined {
  const { accountId, peer } = match;
  if (match.channel !== channel) return undefined;
  if (accountId !== undefined && accountId !== "*" && accountId !== account) return undefined;
  const named = accountId === undefined || accountId === "*" ? 0 : 1;
  if (peer === undefined) return named;
  const kind = peer.kind === "direct" ? "dm" : peer.kind;
  return kind === event.peer.kind && peer.id === event.peer.id ? 2 + named : undefined;
}

/** The agent of the closest rule, the first among equals; else the default one. */
function agentFor(routing: Routing, scope: RouteScope): string {
  let best: { readonly agentId: string; readonly fit: number } | undefined;
  for (const binding of routing.bindings) {
    const fit = closeness(binding, scope);
    if (fit !== undefined && (best === undefined || fit > best.fit)) best = { agentId: binding.agentId, fit };
  }
  return best?.agentId ?? routing.agentId;
}

function keyOf(routing: Routing, agentId: string, scope: RouteScope): string {
  if (routing.scope === "global" && agentId === routing.agentId) return "global";
  const { peer, from } = scope.event;
  const prefix = `agent:${keySegment(agentId)}`;
  const isMain = routing.scope === "global" || (peer.kind === "dm" && isMainOwner(routing, scope.channel, from));
  if (isMain) return `${prefix}:${keySegment(routing.mainKey)}`;
  const account = routing.scope === "per-peer" ? "" : `:${keySegment(scope.account)}`;
  const thread = peer.threadId === undefined ? "" : `:thread:${keySegment(peer.threadId)}`;
  return `${prefix}:${keySegment(scope.channel)}${account}:${peer.kind}:${keySegment(peer.id)}${thread}`;
}

/**
 * Chooses agent, session and target of an event. Pure. Unless one session is for everything, private messages of people in
 * `session.mainFor` share the agent's main session; everybody else, and every group and thread, has a session of its own. Under
 * `global` an agent that a rule names has its main session for everything. An answer in a group points at its question.
 */
export function resolveRoute(routing: Routing, scope: RouteScope): Route {
  const { channel, account, event } = scope;
  const answers = event.type === "message" && event.peer.kind !== "dm" ? { replyTo: event.messageId } : {};
  const agentId = agentFor(routing, scope);
  return {
    agentId,
    sessionKey: sessionKey(keyOf(routing, agentId, scope)),
    target: { channel, account, peer: event.peer, ...answers },
  };
}

/** What must happen in order happens within one lane: one conversation of one account. */
export function laneKey(channel: string, account: string, peer: Pick<Peer, "id" | "threadId">): string {
  const parts = [channel, account, peer.id, ...(peer.threadId === undefined ? [] : [peer.threadId])];
  return parts.map((part) => part.replaceAll("%", "%25").replaceAll("/", "%2f")).join("/");
}

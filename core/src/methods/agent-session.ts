import type { SessionKey } from "../base/brand.ts";
import { invalidRequest, isWireError } from "../base/wire-error.ts";
import { type Agents, keyDefaults, profileOf } from "../sessions/agents.ts";
import { agentOf, canonicalKey } from "../sessions/key.ts";
import type { Sessions } from "../sessions/sessions.ts";

export interface SessionParts {
  readonly sessions: Sessions;
  /** The agents of the current configuration. */
  readonly agents: () => Agents;
}

export interface AgentSession {
  readonly key: SessionKey;
  readonly agentId: string;
}

interface Asked {
  readonly agentId?: string | undefined;
  readonly sessionKey?: string | undefined;
  readonly sessionId?: string | undefined;
}

/**
 * The session that an `agent` call means: by key, by session id, or else the main session of the named or default agent.
 * Source of the sentences: wire protocol section 5.3.
 *
 * @throws WireError when agent, key and id contradict each other or do not exist.
 */
export function resolveAgentSession(parts: SessionParts, asked: Asked): AgentSession {
  const agents = parts.agents();
  const named = given(asked.agentId)?.toLowerCase();
  requireAgent(agents, named ?? agents.defaultId);
  const defaults = { ...keyDefaults(agents), agentId: named ?? agents.defaultId };
  const key = keyOf(parts, asked, defaults);
  const agentId = agentOf(key);
  if (named !== undefined && agentId !== named) {
    throw invalidRequest(`invalid agent params: agent "${named}" does not match session key agent "${agentId}"`);
  }
  requireAgent(agents, agentId);
  return { key, agentId };
}

const given = (text: string | undefined): string | undefined =>
  text === undefined || text.trim() === "" ? undefined : text.trim();

function keyOf(parts: SessionParts, asked: Asked, defaults: ReturnType<typeof keyDefaults>): SessionKey {
  const raw = given(asked.sessionKey);
  if (raw !== undefined) return prefixed(() => canonicalKey(raw, defaults));
  const sessionId = given(asked.sessionId);
  if (sessionId === undefined) return canonicalKey("main", defaults);
  const entry = parts.sessions.list().find((session) => session.sessionId === sessionId);
  if (entry !== undefined) return entry.key;
  throw invalidRequest(`invalid agent params: no session has the id "${sessionId}": see sessions.list`);
}

function requireAgent(agents: Agents, agentId: string): void {
  if (profileOf(agents, agentId) === undefined)
    throw invalidRequest(`invalid agent params: unknown agent id "${agentId}"`);
}

/** Refusals of other parts, in the words of this method. */
function prefixed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (isWireError(error)) throw invalidRequest(`invalid agent params: ${error.message}`);
    throw error;
  }
}

/** The session of a chat method. */
export function resolveChatSession({ agents }: Pick<SessionParts, "agents">, sessionKey: string): AgentSession {
  const current = agents();
  const key = canonicalKey(sessionKey, keyDefaults(current));
  const agentId = agentOf(key);
  if (profileOf(current, agentId) === undefined) throw invalidRequest(`unknown agent id "${agentId}": see agents.list`);
  return { key, agentId };
}

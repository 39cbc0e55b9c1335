import { invalidRequest } from "../base/wire-error.ts";
import { type AgentProfile, type Agents, keyDefaults, profileOf } from "../sessions/agents.ts";
import { agentOf, canonicalKey } from "../sessions/key.ts";
import type { HandlersFor } from "./handler.ts";

export interface AgentsMethodParts {
  /** The agents of the current configuration. */
  readonly agents: () => Agents;
}

/** Name and avatar of an agent that has none of its own. Source: wire protocol section 5.3. */
const DEFAULT_NAME = "Assistant";
const DEFAULT_AVATAR = "A";

/** Who the agents are (wire protocol sections 5.3 and 5.10). */
export function agentsMethods(parts: AgentsMethodParts): HandlersFor<"agents.list" | "agent.identity.get"> {
  return {
    "agents.list": () => {
      const { defaultId, mainKey, scope, profiles } = parts.agents();
      return { defaultId, mainKey, scope, agents: profiles.map(rowOf) };
    },
    "agent.identity.get": ({ agentId, sessionKey }) => {
      const agents = parts.agents();
      const id = pickAgent(agents, { agentId, sessionKey });
      const identity = profileOf(agents, id)?.identity;
      return {
        agentId: id,
        name: identity?.name ?? profileOf(agents, id)?.name ?? DEFAULT_NAME,
        avatar: identity?.avatar ?? identity?.emoji ?? DEFAULT_AVATAR,
        ...(identity?.emoji === undefined ? {} : { emoji: identity.emoji }),
      };
    },
  };
}

const rowOf = ({ id, name, identity }: AgentProfile) => ({
  id,
  ...(name === undefined ? {} : { name }),
  ...(identity === undefined ? {} : { identity }),
});

function pickAgent(agents: Agents, asked: { agentId: string | undefined; sessionKey: string | undefined }): string {
  const named = asked.agentId?.trim().toLowerCase();
  if (asked.sessionKey === undefined || asked.sessionKey.trim() === "") return named ?? agents.defaultId;
  const owner = agentOf(canonicalKey(asked.sessionKey, keyDefaults(agents)));
  if (named === undefined || named === owner) return owner;
  throw invalidRequest(
    `invalid agent.identity.get params: agent "${named}" does not match session key agent "${owner}"`,
  );
}

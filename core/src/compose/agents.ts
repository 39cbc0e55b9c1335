import type { Config } from "openclaw-host-schemas";
import type { Routing } from "../channels/policy/route.ts";
import type { AgentSettings } from "../channels/turn/turn-parts.ts";
import { type AgentIdentity, type AgentProfile, type Agents, modelChoice } from "../sessions/agents.ts";

/** The agent of a configuration that lists none. */
const DEFAULT_AGENT = "main";

type AgentEntry = Config["agents"]["list"][number];

/** What the configuration says of agents, as the parts of the gateway ask for it. */
export interface AgentDirectory {
  readonly agents: () => Agents;
  /** Where messages of channels go. */
  readonly routing: () => Routing;
  /** How long a channel's message waits for the next one of its sender, ms. */
  readonly debounceMs: number;
  /** Id of the runtime an agent uses. */
  readonly runtimeOf: (agentId: string) => string;
  readonly settings: (agentId: string) => AgentSettings;
  /** What answers for an agent, as results name it. */
  readonly modelOf: (agentId: string) => { provider: string; model: string };
}

export function createAgentDirectory(config: Pick<Config, "agents" | "session" | "bindings">): AgentDirectory {
  const { defaults, list } = config.agents;
  const entries: readonly AgentEntry[] = list.length > 0 ? list : [{ id: DEFAULT_AGENT }];
  const agents: Agents = {
    defaultId: (entries.find((entry) => entry.default === true) ?? entries[0])?.id ?? DEFAULT_AGENT,
    mainKey: config.session.mainKey,
    // Clients know two scopes; sharing a conversation between accounts changes nothing for them.
    scope: config.session.scope === "global" ? "global" : "per-sender",
    profiles: entries.map((entry) => profileOf(entry, defaults.model)),
  };
  const { mainKey, scope, mainFor } = config.session;
  const routing: Routing = {
    agentId: agents.defaultId,
    mainKey,
    scope,
    mainFor: mainFor.map(String),
    bindings: config.bindings,
  };
  const entryOf = (agentId: string) => entries.find((entry) => entry.id === agentId);
  const runtimeOf = (agentId: string) => entryOf(agentId)?.runtime ?? defaults.runtime;
  return {
    agents: () => agents,
    routing: () => routing,
    debounceMs: config.session.debounceMs,
    runtimeOf,
    settings(agentId) {
      const entry = entryOf(agentId);
      const model = entry?.model ?? defaults.model;
      const timeoutMs = (entry?.timeoutSeconds ?? defaults.timeoutSeconds) * 1_000;
      return { timeoutMs, ...(model === undefined ? {} : { model }) };
    },
    modelOf(agentId) {
      const { modelProvider, model } = modelChoice(entryOf(agentId)?.model ?? defaults.model);
      const runtime = runtimeOf(agentId);
      return { provider: modelProvider ?? runtime, model: model ?? runtime };
    },
  };
}

function profileOf(entry: AgentEntry, defaultModel: string | undefined): AgentProfile {
  const { id, name, identity } = entry;
  const model = entry.model ?? defaultModel;
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(identity === undefined ? {} : { identity: shownIdentity(identity) }),
    ...(model === undefined ? {} : { model }),
  };
}

function shownIdentity({ name, emoji, avatar }: NonNullable<AgentEntry["identity"]>): AgentIdentity {
  return {
    ...(name === undefined ? {} : { name }),
    ...(emoji === undefined ? {} : { emoji }),
    ...(avatar === undefined ? {} : { avatar }),
  };
}

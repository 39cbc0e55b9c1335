import type { KeyDefaults } from "./key.ts";

/** How an agent presents itself. */
export interface AgentIdentity {
  readonly name?: string;
  readonly theme?: string;
  readonly emoji?: string;
  /** Text, an emoji, or a data or http URL. */
  readonly avatar?: string;
}

/** One configured agent. */
export interface AgentProfile {
  readonly id: string;
  readonly name?: string;
  readonly identity?: AgentIdentity;
  /** `provider/model`, or a model name alone. */
  readonly model?: string;
  readonly contextTokens?: number;
}

/** The agents as the configuration has them now. */
export interface Agents {
  readonly defaultId: string;
  readonly mainKey: string;
  readonly scope: "per-sender" | "global";
  /** Never empty: holds at least the default agent. */
  readonly profiles: readonly AgentProfile[];
}

export const keyDefaults = (agents: Agents): KeyDefaults => ({
  agentId: agents.defaultId,
  mainKey: agents.mainKey,
  scope: agents.scope,
});

export const profileOf = (agents: Agents, id: string): AgentProfile | undefined =>
  agents.profiles.find((profile) => profile.id === id);

export interface ModelChoice {
  readonly modelProvider: string | null;
  readonly model: string | null;
}

/** Splits `provider/model`; a name without a provider has none. */
export function modelChoice(name: string | undefined): ModelChoice {
  if (name === undefined) return { modelProvider: null, model: null };
  const slash = name.indexOf("/");
  if (slash <= 0) return { modelProvider: null, model: name };
  return { modelProvider: name.slice(0, slash), model: name.slice(slash + 1) };
}

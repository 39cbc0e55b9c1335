import type { Config } from "openclaw-host-schemas";
import type { Discovered } from "../host/discover/discover.ts";

export interface AgentConfigParts {
  readonly extensions: readonly Discovered[];
  /** `extensions.entries` of the config: secrets are still references. */
  readonly entries: Config["extensions"]["entries"];
  /**
   * Replaces the secrets that `schema` marks by their values; `path` is where the value stands in the config. Rejects with
   * an `Error` that names the one it could not read.
   */
  readonly resolve: (schema: object, value: unknown, path: string) => Promise<unknown>;
}

/**
 * The config of an agent by its id: that of the extension which provides it, read by the schema the manifest has for this
 * agent. `{}` when nothing is configured. Secrets are read anew for each turn, as for each connection of a channel, so a
 * new key needs no restart.
 */
export function createAgentConfigs(parts: AgentConfigParts): (agent: string) => Promise<unknown> {
  return async (agent) => {
    const provider = parts.extensions.find(
      ({ state, manifest }) => state === "discovered" && manifest?.provides.agents?.includes(agent) === true,
    );
    if (provider === undefined) return {};
    const config = ownValue(parts.entries, provider.id)?.config ?? {};
    const schema = ownValue(provider.manifest?.config ?? {}, agent) ?? {};
    return parts.resolve(schema, config, `extensions.entries.${provider.id}.config`);
  };
}

/** An id that an extension chose may be the name of something every object inherits. */
const ownValue = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

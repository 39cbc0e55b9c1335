import type { Clock, Undo } from "../base/clock.ts";
import { WireError } from "../base/wire-error.ts";
import type { AgentRuntime } from "./runtime.ts";

/** All runtimes that can be chosen: the embedded ones and those that guests provide. */
export interface Runtimes {
  /** @throws Error when the id is taken. */
  register(runtime: AgentRuntime): Undo;
  /**
   * The runtime that the configuration names for an agent.
   *
   * @throws WireError UNAVAILABLE when it is not loaded.
   */
  forAgent(agentId: string): AgentRuntime;
  /** For how long the runtime of an agent has not been loaded, ms; undefined while it is. Extensions load after the start. */
  absentMs(agentId: string): number | undefined;
  /** Ids, in order of registration. */
  ids(): readonly string[];
}

export interface RuntimesParts {
  readonly runtimeOf: (agentId: string) => string;
  readonly clock: Pick<Clock, "now">;
}

export function createRuntimes(parts: RuntimesParts): Runtimes {
  const byId = new Map<string, AgentRuntime>();
  const began = parts.clock.now();
  const lostAt = new Map<string, number>();
  return {
    register(runtime) {
      if (byId.has(runtime.id)) {
        throw new Error(`the agent runtime "${runtime.id}" is provided twice: disable one of its extensions`);
      }
      byId.set(runtime.id, runtime);
      return () => {
        if (byId.get(runtime.id) !== runtime) return;
        byId.delete(runtime.id);
        lostAt.set(runtime.id, parts.clock.now());
      };
    },
    forAgent(agentId) {
      const id = parts.runtimeOf(agentId);
      const runtime = byId.get(id);
      if (runtime !== undefined) return runtime;
      const loaded = [...byId.keys()].join(", ");
      throw new WireError(
        "UNAVAILABLE",
        `agent "${agentId}" uses the runtime "${id}", which is not loaded: see "openclaw extension list", or choose one of: ${loaded}`,
      );
    },
    absentMs(agentId) {
      const id = parts.runtimeOf(agentId);
      return byId.has(id) ? undefined : Math.max(0, parts.clock.now() - (lostAt.get(id) ?? began));
    },
    ids: () => [...byId.keys()],
  };
}

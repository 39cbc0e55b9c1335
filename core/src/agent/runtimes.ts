import type { Undo } from "../base/clock.ts";
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
  /** Ids, in order of registration. */
  ids(): readonly string[];
}

export function createRuntimes(parts: { readonly runtimeOf: (agentId: string) => string }): Runtimes {
  const byId = new Map<string, AgentRuntime>();
  return {
    register(runtime) {
      if (byId.has(runtime.id)) {
        throw new Error(`the agent runtime "${runtime.id}" is provided twice: disable one of its extensions`);
      }
      byId.set(runtime.id, runtime);
      return () => {
        if (byId.get(runtime.id) === runtime) byId.delete(runtime.id);
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
    ids: () => [...byId.keys()],
  };
}

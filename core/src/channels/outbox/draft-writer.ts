import type { AgentEvent } from "openclaw-host-sdk";
import type { AgentRuntime } from "../../agent/runtime.ts";

export interface Writer {
  readonly runtime: AgentRuntime;
  /** Turns that began. */
  count(): number;
  /** The turn that began last says so. */
  emit(event: AgentEvent): void;
}

/** An agent whose turns say what the test says. */
export function createWriter(): Writer {
  const turns: { events: AgentEvent[]; wake: () => void }[] = [];
  const runtime: AgentRuntime = {
    id: "writer",
    async *turn(_turn, call) {
      const mine = { events: [] as AgentEvent[], wake: () => {} };
      turns.push(mine);
      const abort = () => {
        mine.events.push({ t: "done", reason: "abort" });
        mine.wake();
      };
      call.signal.addEventListener("abort", abort, { once: true });
      for (;;) {
        const event = mine.events.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (mine.wake = resolve));
      }
    },
  };
  return {
    runtime,
    count: () => turns.length,
    emit(event: AgentEvent) {
      turns.at(-1)?.events.push(event);
      turns.at(-1)?.wake();
    },
  };
}

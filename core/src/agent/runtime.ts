import type { AgentEvent, AgentTurn, Call } from "openclaw-host-sdk";

/** An agent runtime as the core sees it, whether embedded (`echo`) or in a guest. */
export interface AgentRuntime {
  readonly id: string;
  /** The last event is `done`. `call.signal` aborts the turn; the runtime then yields `done` within 5 s. */
  turn(turn: AgentTurn, call: Call): AsyncIterable<AgentEvent>;
}

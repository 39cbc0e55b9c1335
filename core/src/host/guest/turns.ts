import type { AgentCtx, AgentEvent, Call } from "openclaw-host-sdk";
import type { Clock } from "../../base/clock.ts";
import type { GuestMethods } from "../line/guest-methods.ts";
import type { Handlers } from "../line/handlers.ts";
import type { Contexts, GuestContext } from "./contexts.ts";
import type { LoadedExtension } from "./load.ts";

/** Events a turn may be ahead of the host; then the agent waits. */
const WINDOW = 16;

/** What the handlers of agents work with. */
export interface TurnParts {
  readonly definition: () => LoadedExtension;
  readonly contexts: Contexts;
  readonly clock: Clock;
}

/** One running turn: events wait in it until the host pulls them. */
interface Turn {
  readonly context: GuestContext;
  readonly controller: AbortController;
  readonly events: AgentEvent[];
  over: boolean;
  fault?: Error;
  /** Resolves what the other side waits for: the host for an event, the agent for room. */
  wake: () => void;
}

type TurnMethods = Pick<GuestMethods, Extract<keyof GuestMethods, `turn.${string}`>>;

/** Runs agent turns. The host pulls their events through a small window, so a slow host slows the agent down. */
export function turnHandlers(parts: TurnParts): Handlers<TurnMethods> {
  const turns = new Map<string, Turn>();
  const need = (id: string): Turn => {
    const turn = turns.get(id);
    if (turn === undefined) throw new Error("this turn is over");
    return turn;
  };
  return {
    "turn.start"({ context: id, agent, config, turn: request, timeoutMs }) {
      const definition = parts.definition().agents.find((candidate) => candidate.id === agent);
      if (definition === undefined) throw new Error(`this extension has no agent '${agent}'`);
      const context = parts.contexts.open(id, config);
      const turn: Turn = { context, controller: new AbortController(), events: [], over: false, wake: () => {} };
      const call: Call = { id, signal: turn.controller.signal, deadline: parts.clock.now() + timeoutMs };
      const ctx: AgentCtx<unknown> = { ...context.base, call, callTool: (name) => Promise.reject(noTool(name)) };
      turns.set(id, turn);
      pump(turn, definition.turn(request, ctx)).catch((error: unknown) => context.base.log.error(String(error)));
      return null;
    },
    async "turn.pull"({ context: id }) {
      const turn = need(id);
      while (turn.events.length === 0 && !turn.over) await changed(turn);
      const events = turn.events.splice(0);
      turn.wake();
      // Events come first: a fault is told by the pull that finds none.
      const over = turn.over && (turn.fault === undefined || events.length === 0);
      if (!over) return { events, over };
      turns.delete(id);
      await turn.context.close();
      if (turn.fault !== undefined) throw turn.fault;
      return { events, over };
    },
    async "turn.abort"({ context: id, forget }) {
      const turn = turns.get(id);
      turn?.controller.abort();
      turn?.wake();
      if (!forget) return null;
      turns.delete(id);
      await turn?.context.close();
      return null;
    },
  };
}

/** No tools are offered to agents, so every name is a wrong one. */
const noTool = (name: string) => new Error(`the tool '${name}' is not in this turn's list of tools`);

/** The next change of the turn, made by either side. */
function changed(turn: Turn): Promise<void> {
  const before = turn.wake;
  return new Promise((resolve) => {
    turn.wake = () => {
      turn.wake = () => {};
      before();
      resolve();
    };
  });
}

/** Runs the agent's generator to its end. An aborted turn is no longer held back, so that it can say its last word. */
async function pump(turn: Turn, events: AsyncIterable<AgentEvent>): Promise<void> {
  try {
    for await (const event of events) {
      turn.events.push(event);
      turn.wake();
      while (turn.events.length >= WINDOW && !turn.controller.signal.aborted) await changed(turn);
    }
  } catch (error) {
    turn.fault = error instanceof Error ? error : new Error(String(error));
  }
  turn.over = true;
  turn.wake();
}

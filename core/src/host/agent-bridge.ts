import type { AgentEvent } from "openclaw-host-sdk";
import type { AgentRuntime } from "../agent/runtime.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { callOptions } from "./channel-bridge.ts";
import type { Guest } from "./guest.ts";
import { createEgress } from "./net/egress.ts";
import type { MediaBorder } from "./outbound-media.ts";

/** What one agent of a guest is made of. */
export interface AgentBridgeParts {
  readonly extension: string;
  readonly agent: string;
  /** JSON Schema of its config, from the manifest. */
  readonly schema: unknown;
  /** `permissions.net` of the manifest. */
  readonly net: readonly string[];
  /** Its settings with secrets in place; may be a promise, whose rejection is the run's error. */
  readonly config: () => unknown;
  /** The running guest; throws a `LineError` when there is none. */
  readonly guest: () => Guest;
  readonly media: MediaBorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a guest may take to hear of an abort, ms. */
const ABORT_MS = 5_000;

/** One agent of a guest as the rest of the gateway sees it. Events are pulled, so a slow consumer slows the agent down. */
export function agentRuntime(parts: AgentBridgeParts): AgentRuntime {
  const { agent, extension, net, schema } = parts;
  return {
    id: agent,
    async *turn(turn, call) {
      const guest = parts.guest();
      const config = await parts.config();
      const egress = createEgress({ extension, net, schema, config });
      const context = guest.contexts.open({ scope: `agent/${agent}`, egress, log: parts.log.child(agent) });
      const timeoutMs = Math.max(1, call.deadline - parts.clock.now());
      const options = callOptions(parts.clock);
      // The turn decides what an abort means; pulls go on until it has said `done`.
      const tell = (forget: boolean) =>
        void guest.rpc.call("turn.abort", { context, forget }, { timeoutMs: ABORT_MS }).catch(() => {});
      const abort = () => tell(false);
      try {
        const granted = { ...turn, messages: await parts.media.transcript(turn.messages) };
        await guest.rpc.call("turn.start", { context, agent, config, turn: granted, timeoutMs }, options(call));
        call.signal.addEventListener("abort", abort, { once: true });
        if (call.signal.aborted) abort();
        yield* pull(parts, guest, context);
      } finally {
        call.signal.removeEventListener("abort", abort);
        tell(true);
        guest.contexts.close(context);
      }
    },
  };
}

/** A pull waits as long as an agent may think between two events, ms: the turn's own timeout is the caller's. */
const PULL_MS = 24 * 3_600_000;

/** Events in order. A turn that ends without `done` gets one, so that the caller never waits for it. */
async function* pull(parts: AgentBridgeParts, guest: Guest, context: string): AsyncGenerator<AgentEvent, void> {
  let done = false;
  for (let over = false; !over && !done;) {
    const batch = await guest.rpc.call("turn.pull", { context }, { timeoutMs: PULL_MS });
    over = batch.over;
    for (const event of batch.events) {
      if (event.t === "media") await parts.media.check([event.m]);
      yield event;
      done ||= event.t === "done";
    }
  }
  if (!done) yield { t: "done", reason: "error", error: `the agent '${parts.agent}' ended without an answer` };
}

import type { PayloadOf } from "openclaw-host-schemas";
import type { AgentEvent } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { RunOutcome } from "../store/tables/run-record.ts";
import { answerText, isSilent, mayBecomeSilent } from "./answer.ts";

/** Shortest time between two `chat` deltas of a run, ms. Source: wire protocol section 4.4. */
const CHAT_DELTA_MS = 150;

/** What every event of a run names, so that a client can tell runs, sessions and agents apart. */
interface RunIdentity {
  readonly runId: string;
  readonly sessionKey: string;
  readonly sessionId: string;
  readonly agentId: string;
}

/** The news of one run, as `agent` and `chat` events (wire protocol sections 4.3 and 4.4). */
export interface RunFeed {
  start(at: number): void;
  /** `delta` is new, `text` is everything so far. */
  text(delta: string, text: string): void;
  /** Streamed apart from the answer; it never enters `chat` events or the transcript. */
  thinking(delta: string): void;
  /** Goes only to the tool audience as it is at this moment. */
  tool(event: AgentEvent & { t: "tool" }): void;
  /** Publishes the one closing pair. Later calls of any method are ignored. */
  end(outcome: RunOutcome): void;
}

export interface FeedParts {
  readonly clock: Clock;
  readonly sink: EventSink;
}

/** One feed serves one run. */
export interface FeedOptions {
  readonly run: RunIdentity;
  /** Connections that receive tool events; it may grow while the run is active. */
  readonly toolAudience: ReadonlySet<string>;
  /** True when tool results are shown too (session verbose level `full`). */
  readonly toolResults: boolean;
}

/**
 * The feed of one run. Its sequence counts every `agent` event, tool events included: a client that does not receive those sees
 * gaps, as with the gateways it knows.
 */
export function createRunFeed(parts: FeedParts, options: FeedOptions): RunFeed {
  const { run } = options;
  const { sessionKey, sessionId, agentId } = run;
  let seq = 0;
  let ended = false;
  let thought = "";
  const publish = (news: AgentNews, onlyTo?: ReadonlySet<string>) => {
    seq += 1;
    const payload = { runId: run.runId, ...news, sessionKey, sessionId, agentId, seq, ts: parts.clock.now() };
    parts.sink.publish("agent", payload, onlyTo === undefined ? {} : { onlyTo });
  };
  const chat = createChatDeltas(parts, run, () => seq);
  return {
    start: (at) => publish({ stream: "lifecycle", data: { phase: "start", startedAt: at } }),
    text(delta, text) {
      if (ended || delta === "") return;
      publish({ stream: "assistant", data: { text, delta } });
      chat.note(text);
    },
    thinking(delta) {
      if (ended || delta === "") return;
      thought += delta;
      publish({ stream: "thinking", data: { text: thought, delta } });
    },
    tool(event) {
      if (ended) return;
      publish({ stream: "tool", data: toolData(event, options.toolResults) }, new Set(options.toolAudience));
    },
    end(outcome) {
      if (ended) return;
      // Before anything is published: a delta that waits for its time must not follow the closing event.
      ended = true;
      chat.stop();
      publish({ stream: "lifecycle", data: endData(outcome) });
      parts.sink.publish("chat", closingChat(run, outcome, seq));
    },
  };
}

type AgentPayload = PayloadOf<"agent">;
type ChatPayload = PayloadOf<"chat">;
/** Stream and data that belong together. */
type AgentNews = AgentPayload extends infer P ? (P extends AgentPayload ? Pick<P, "stream" | "data"> : never) : never;
type DataOf<S extends AgentPayload["stream"]> = Extract<AgentPayload, { stream: S }>["data"];

/** Tool results are left out by default: they are large, and clients show them only on demand. */
function toolData(event: AgentEvent & { t: "tool" }, withResults: boolean): DataOf<"tool"> {
  const head = { name: event.name, toolCallId: event.id };
  switch (event.phase) {
    case "start":
      return { phase: "start", ...head, args: event.args };
    case "update":
      return { phase: "update", ...head, ...(withResults ? { partialResult: event.result } : {}) };
    case "end": {
      const isError = event.isError ?? false;
      return { phase: "result", ...head, isError, ...(withResults ? { result: event.result } : {}) };
    }
  }
}

/** `aborted` is an end and not an error: somebody wanted it. */
function endData(outcome: RunOutcome): DataOf<"lifecycle"> {
  const { endedAt } = outcome;
  switch (outcome.state) {
    case "done":
      return { phase: "end", endedAt };
    case "aborted":
      return { phase: "end", endedAt, aborted: true };
    case "failed":
      return { phase: "error", error: outcome.error, endedAt };
  }
}

/** The keys that all `chat` events share, in the order of wire protocol section 4.4. */
const chatHead = (run: RunIdentity, seq: number) => ({
  runId: run.runId,
  sessionKey: run.sessionKey,
  sessionId: run.sessionId,
  agentId: run.agentId,
  seq,
});

const chatMessage = (text: string, timestamp: number) => ({
  role: "assistant" as const,
  content: [{ type: "text" as const, text }],
  timestamp,
});

/** Exactly one of final, aborted and error. An answer that says nothing has no message. */
function closingChat(run: RunIdentity, outcome: RunOutcome, seq: number): ChatPayload {
  const head = chatHead(run, seq);
  const text = answerText(outcome.text);
  const message = text === "" ? {} : { message: chatMessage(text, outcome.endedAt) };
  switch (outcome.state) {
    case "done":
      return { ...head, state: "final", stopReason: "stop", ...message };
    case "aborted":
      return { ...head, state: "aborted", stopReason: outcome.stopReason, ...message };
    case "failed":
      return { ...head, state: "error", errorMessage: outcome.error };
  }
}

/** Throttles `chat` deltas: the first at once, then at most one per `CHAT_DELTA_MS`, always with the latest text. */
function createChatDeltas(parts: FeedParts, run: RunIdentity, seq: () => number) {
  let latest = "";
  let shown = "";
  let nextAt = 0;
  let cancel: (() => void) | undefined;
  const show = () => {
    cancel = undefined;
    const now = parts.clock.now();
    nextAt = now + CHAT_DELTA_MS;
    const deltaText = latest.slice(shown.length);
    shown = latest;
    parts.sink.publish("chat", {
      ...chatHead(run, seq()),
      state: "delta",
      deltaText,
      message: chatMessage(latest, now),
    });
  };
  return {
    note(text: string) {
      latest = text;
      // A delta that is already on its way will show this text too.
      if (cancel !== undefined || isSilent(text) || mayBecomeSilent(text)) return;
      // Not for longer than that even when the clock was set back.
      const wait = Math.min(nextAt - parts.clock.now(), CHAT_DELTA_MS);
      if (wait <= 0) show();
      else cancel = parts.clock.after(wait, show);
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

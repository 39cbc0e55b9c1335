import type { AgentEvent, AgentTurn, Call, MediaRef } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { RunOutcome } from "../store/tables/run-record.ts";
import type { RunControl } from "./run-control.ts";
import type { RunFeed } from "./run-feed.ts";
import type { AgentRuntime } from "./runtime.ts";

/** How long an aborted runtime may take to yield `done`, ms. Source: the SDK contract, `AgentRuntime.turn`. */
const ABORT_GRACE_MS = 5_000;

/** The longest answer one run may give, and the longest thought, UTF-16 code units; a runtime that streams on is stopped. */
export const MAX_ANSWER_CHARS = 1_000_000;
/** Files one answer may bring: each is a message of its own on most platforms. */
export const MAX_ANSWER_MEDIA = 100;

/** Timers of Node cannot wait longer (2^31 - 1 ms). */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** A runtime's error text goes into transcript and events: a stack dump has no place there. */
const MAX_ERROR_CHARS = 2_000;

export interface RunParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** Called when the runtime ignored an abort for `ABORT_GRACE_MS` and was left behind: its guest should be recycled. */
  onStuck(runtime: string, runId: string): void;
}

/** One turn on one runtime. */
export interface RunInput {
  readonly runtime: AgentRuntime;
  readonly turn: AgentTurn;
  readonly feed: RunFeed;
  /** Stops the run; the run itself uses it for its time limit. */
  readonly control: RunControl;
  /** Limit in ms; 0 means none. */
  readonly timeoutMs: number;
}

/** What the runtime has given so far. */
interface Answer {
  text: string;
  readonly media: MediaRef[];
  /** Length of what it thought, UTF-16 code units. */
  thought: number;
  usage?: { input: number; output: number };
}

/** How the stream of events ended. */
type End = { readonly how: "done" | "abandoned" } | { readonly how: "error"; readonly error: string };

/**
 * Executes one turn: feeds its news while it runs and returns what came of it. It never throws for a fault of the runtime.
 * The closing news is not published here: whoever calls stores the outcome first and then calls `feed.end`.
 */
export async function executeRun(parts: RunParts, input: RunInput): Promise<RunOutcome> {
  const { clock } = parts;
  const { control, feed, timeoutMs } = input;
  const startedAt = clock.now();
  const answer: Answer = { text: "", media: [], thought: 0 };
  const limit = Math.min(timeoutMs, MAX_TIMEOUT_MS);
  const cancelTimeout = limit > 0 ? clock.after(limit, () => control.stop("timeout")) : () => {};
  feed.start(startedAt);
  const deadline = limit > 0 ? startedAt + limit : Number.MAX_SAFE_INTEGER;
  const end = await consume(parts, input, { answer, deadline });
  cancelTimeout();
  const { thought: _, ...said } = answer;
  const result = { ...said, startedAt, endedAt: clock.now() };
  if (end.how === "abandoned") {
    parts.log.error("the agent runtime did not stop when asked and was left behind", {
      runtime: input.runtime.id,
      runId: input.turn.turnId,
    });
    parts.onStuck(input.runtime.id, input.turn.turnId);
    const error = `the agent runtime "${input.runtime.id}" did not stop within ${ABORT_GRACE_MS / 1000} s of being asked; it is being restarted, send the message again`;
    return { ...result, state: "failed", error };
  }
  // Asked to stop, it may end by `done`, by throwing, or by breaking off: all of it is what was asked for.
  if (control.stopReason !== undefined) return { ...result, state: "aborted", stopReason: control.stopReason };
  if (end.how === "error") return { ...result, state: "failed", error: end.error.slice(0, MAX_ERROR_CHARS) };
  return { ...result, state: "done" };
}

/** Reads events until `done`, until the stream breaks, or until an abort has been ignored for too long. */
async function consume(
  parts: RunParts,
  input: RunInput,
  limits: { readonly answer: Answer; readonly deadline: number },
): Promise<End> {
  const { control, runtime, turn } = input;
  const call: Call = { id: parts.ids.uuid(), signal: control.signal, deadline: limits.deadline };
  const patience = abortPatience(parts.clock, control.signal);
  try {
    const events = runtime.turn(turn, call)[Symbol.asyncIterator]();
    for (;;) {
      const step = await patience.wait(events.next());
      if (step === "exhausted") {
        finish(events);
        return { how: "abandoned" };
      }
      if (step.done === true)
        return { how: "error", error: `the agent runtime "${runtime.id}" ended its turn without "done"` };
      // What a runtime still says after an abort comes too late: the partial answer is what clients saw last.
      const end =
        control.signal.aborted && step.value.t !== "done" ? undefined : take(step.value, limits.answer, input);
      if (end !== undefined) {
        finish(events);
        return end;
      }
    }
  } catch (error) {
    parts.log.warn("the agent runtime failed", { runtime: runtime.id, runId: turn.turnId, error });
    return { how: "error", error: error instanceof Error ? error.message : String(error) };
  } finally {
    patience.release();
  }
}

/** Applies one event to the answer; returns the end when it was the last one. */
function take(event: AgentEvent, answer: Answer, { feed, runtime }: RunInput): End | undefined {
  switch (event.t) {
    case "text":
      if (answer.text.length + event.delta.length > MAX_ANSWER_CHARS) {
        return tooMuch(runtime.id, `${MAX_ANSWER_CHARS} characters`);
      }
      answer.text += event.delta;
      feed.text(event.delta, answer.text);
      return undefined;
    case "thinking":
      answer.thought += event.delta.length;
      if (answer.thought > MAX_ANSWER_CHARS) return tooMuch(runtime.id, `${MAX_ANSWER_CHARS} characters of thought`);
      feed.thinking(event.delta);
      return undefined;
    case "tool":
      feed.tool(event);
      return undefined;
    case "media":
      if (answer.media.length >= MAX_ANSWER_MEDIA) return tooMuch(runtime.id, `${MAX_ANSWER_MEDIA} files`);
      answer.media.push(event.m);
      return undefined;
    case "usage":
      answer.usage = { input: event.in, output: event.out };
      return undefined;
    case "done":
      return endOf(event, runtime.id);
  }
}

const tooMuch = (runtime: string, what: string): End => ({
  how: "error",
  error: `the agent runtime "${runtime}" gave more than ${what}; ask for less, or look at why it does not end`,
});

/** What the runtime's last word means. */
function endOf(event: AgentEvent & { t: "done" }, runtime: string): End {
  switch (event.reason) {
    case "end":
      return { how: "done" };
    case "abort":
      // Counts only when nobody asked for it: an asked-for abort is decided by the control's reason.
      return { how: "error", error: `the agent runtime "${runtime}" gave up the turn without being asked` };
    case "error":
      return { how: "error", error: event.error ?? `the agent runtime "${runtime}" failed without saying why` };
  }
}

/** Lets the runtime clean up; nobody waits, because a stuck one never answers. */
function finish(events: AsyncIterator<AgentEvent>): void {
  void Promise.resolve(events.return?.()).catch(() => {});
}

/** Waits for a promise, but no longer than `ABORT_GRACE_MS` after the signal aborted. */
function abortPatience(clock: Clock, signal: AbortSignal) {
  let exhausted = false;
  let giveUp = (): void => {};
  let cancel = (): void => {};
  const begin = () => {
    cancel = clock.after(ABORT_GRACE_MS, () => {
      exhausted = true;
      giveUp();
    });
  };
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  return {
    // Not `Promise.race` with one long-lived promise: that keeps a reaction of every event until the run ends.
    wait: <T>(promise: Promise<T>): Promise<T | "exhausted"> =>
      new Promise((resolve, reject) => {
        giveUp = () => resolve("exhausted");
        if (exhausted) giveUp();
        promise.then(resolve, reject);
      }),
    release() {
      signal.removeEventListener("abort", begin);
      cancel();
    },
  };
}

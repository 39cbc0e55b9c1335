import type { StopReason } from "../../agent/run-control.ts";
import type { SessionKey } from "../../base/brand.ts";
import { invalidRequest, WireError } from "../../base/wire-error.ts";
import type { RunOutcome } from "../../store/tables/run-record.ts";
import { startTurn } from "./turn-doors.ts";
import type { InboxTurnParts } from "./turn-inbox.ts";
import { InboxLoop } from "./turn-loop.ts";
import { closeStranded, startSweeping } from "./turn-recovery.ts";
import type { DoorRequest, Started } from "./turn-request.ts";
import { createTurnRunner, type TurnRunner } from "./turn-run.ts";
import { createWaiters } from "./turn-waiters.ts";

/** What an abort reached (wire protocol section 5.3, chat.abort). */
interface Stopped {
  readonly aborted: boolean;
  readonly runIds: readonly string[];
}

/**
 * Every turn of every agent, whatever its door: accepted in one transaction, run in the lane of its session, closed in one
 * transaction. This family of files is the only place that knows both agents and the outbox.
 */
export interface Turns {
  /** The door of `agent` and `chat.send`; resolves once the run is committed. */
  start(request: DoorRequest): Promise<Started>;
  /**
   * Stops one run of a session, or all that are active there. A message that only waits in a channel's queue is left alone
   * unless it is named.
   *
   * @throws WireError when the run belongs to another session.
   */
  stop(key: SessionKey, options: { readonly runId?: string; readonly reason: StopReason }): Stopped;
  /** The outcome of a run, also of one that is not known yet; undefined when it did not end in time. */
  wait(
    runId: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<RunOutcome | undefined>;
  /** There may be messages to claim; the inbox calls it. */
  wake(): void;
  /** After the inbox was opened and before the first client: settles what the last process left, then begins to claim. */
  recover(): Promise<void>;
  /** Takes nothing new, lets runs end for at most `drainMs`, then stops them. Messages of channels run again at the next start. */
  close(drainMs: number): Promise<void>;
}

/** Time for runtimes to react when the drain time is over, ms. */
const STOP_GRACE_MS = 1_000;

export function createTurns(parts: InboxTurnParts): Turns {
  const runner = createTurnRunner(parts);
  const waiters = createWaiters(parts, runner);
  const loop = new InboxLoop(parts, runner);
  let stopSweeping = (): void => {};
  let closing = false;
  return {
    async start(request) {
      if (closing)
        throw new WireError("UNAVAILABLE", "the gateway is stopping: try again in a moment", { retryable: true });
      const started = await startTurn(parts, runner, request);
      if (started.status === "started") waiters.follow(request.runId);
      return started;
    },
    stop: (key, options) => stopTurns(runner, key, options),
    wait: (runId, options) => waiters.wait(runId, options),
    wake: () => loop.wake(),
    async recover() {
      await closeStranded(parts, runner);
      stopSweeping = startSweeping(parts, runner);
      loop.wake();
    },
    async close(drainMs) {
      closing = true;
      stopSweeping();
      const drained = Promise.all([loop.close(), parts.lanes.drained()]);
      await withTimeout(parts, drained, drainMs);
      for (const turn of runner.all()) turn.stop("restart");
      await withTimeout(parts, drained, STOP_GRACE_MS);
    },
  };
}

function stopTurns(runner: TurnRunner, key: SessionKey, options: { runId?: string; reason: StopReason }): Stopped {
  const { runId, reason } = options;
  if (runId !== undefined) {
    const turn = runner.get(runId);
    if (turn === undefined) return { aborted: false, runIds: [] };
    if (turn.run.sessionKey !== key) throw invalidRequest("runId does not match sessionKey");
    turn.stop(reason);
    return { aborted: true, runIds: [runId] };
  }
  const turns = runner.on(key).filter((turn) => turn.began || turn.run.door !== "channel");
  for (const turn of turns) turn.stop(reason);
  return { aborted: turns.length > 0, runIds: turns.map((turn) => turn.run.runId) };
}

/** Waits for a promise, but not longer than `ms`. */
async function withTimeout(parts: Pick<InboxTurnParts, "clock">, promise: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, parts.clock.sleep(ms, over.signal)]);
  over.abort();
}

import type { Clock } from "../../base/clock.ts";
import type { RunOutcome } from "../../store/tables/run-record.ts";
import type { Store } from "../../store/db.ts";
import type { TurnRunner } from "./turn-run.ts";

/** How long `agent.wait` remembers a run that ended, ms. Source: wire protocol section 5.3. */
const REMEMBER_MS = 600_000;

type Listener = (outcome: RunOutcome) => void;

/** Those who wait for a run to end, whether it has begun, ended, or not been asked for yet. */
export interface Waiters {
  wait(
    runId: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<RunOutcome | undefined>;
  /** Tells those who waited for a run before it existed. */
  follow(runId: string): void;
}

/** A wait looks at three places: runs of this process, runs that ended, and runs that are still to come. */
export function createWaiters(parts: { readonly clock: Clock; readonly store: Store }, runner: TurnRunner): Waiters {
  const early = new Map<string, Set<Listener>>();

  /** Listens for a run that does not exist yet. Returns the undo. */
  function listen(runId: string, listener: Listener): () => void {
    const listeners = early.get(runId) ?? new Set();
    early.set(runId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && early.get(runId) === listeners) early.delete(runId);
    };
  }

  /** The stored outcome, as long as clients expect it to be known. */
  async function remembered(runId: string): Promise<RunOutcome | undefined> {
    const outcome = (await parts.store.run("runs.get", { runId }))?.outcome;
    return outcome !== undefined && outcome.endedAt > parts.clock.now() - REMEMBER_MS ? outcome : undefined;
  }

  return {
    async wait(runId, { timeoutMs, signal }) {
      // Frees the timer and the listener on every way out.
      const over = new AbortController();
      const stop = AbortSignal.any([signal, over.signal]);
      let forget = (): void => {};
      const later = new Promise<RunOutcome>((resolve) => {
        // Before the look-ups: a run that is accepted meanwhile is not missed.
        forget = listen(runId, resolve);
      });
      const timeout = parts.clock.sleep(timeoutMs, stop).then(() => undefined);
      try {
        const ended = runner.get(runId)?.closed ?? (await remembered(runId));
        return await Promise.race([ended ?? later, timeout]);
      } finally {
        forget();
        over.abort();
      }
    },
    follow(runId) {
      const listeners = early.get(runId);
      if (listeners === undefined) return;
      void runner.get(runId)?.closed.then((outcome) => {
        for (const listener of listeners) listener(outcome);
      });
    },
  };
}

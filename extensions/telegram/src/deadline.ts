import type { BaseCtx } from "openclaw-host-sdk";

type GuestClock = BaseCtx<unknown>["clock"];

/** Sleeps `ms` or until the signal aborts; never rejects, whichever of the two happens. */
export async function pause(clock: GuestClock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => {});
}

/** The outcome of `within`: an answer, or the knowledge that none came in time. */
export type Timed<T> = { readonly late: false; readonly value: T } | { readonly late: true };

interface Limit {
  readonly clock: GuestClock;
  readonly ms: number;
  /** Ends the run early; the error of the run is then passed on. */
  readonly signal: AbortSignal;
}

/** Runs with a deadline and leaves no timer behind. Errors of the run pass through unless the deadline caused them. */
export async function within<T>(limit: Limit, run: (signal: AbortSignal) => Promise<T>): Promise<Timed<T>> {
  const cut = new AbortController();
  const done = new AbortController();
  const timer = pause(limit.clock, limit.ms, done.signal).then(() => {
    if (!done.signal.aborted) cut.abort();
  });
  try {
    return { late: false, value: await run(AbortSignal.any([limit.signal, cut.signal])) };
  } catch (error) {
    if (cut.signal.aborted && !limit.signal.aborted) return { late: true };
    throw error;
  } finally {
    done.abort();
    await timer;
  }
}

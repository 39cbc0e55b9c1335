/** Cancels a timer or registration; calling it twice is harmless. */
export type Undo = () => void;

/** Every part of the gateway takes time from here, so that tests decide what time it is. Times are epoch ms. */
export interface Clock {
  now(): number;
  /** Runs once after `ms`, however long that is. The timer does not keep the process alive. */
  after(ms: number, run: () => void): Undo;
  /** Runs every `ms`. The timer does not keep the process alive. */
  every(ms: number, run: () => void): Undo;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers reach 2^31 - 1 ms (25 days); a longer one would run at once. Source: https://nodejs.org/api/timers.html */
const TIMER_REACH_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const step = Math.min(left, TIMER_REACH_MS);
      timer = setTimeout(() => (left > step ? wait(left - step) : run()), step).unref();
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms).unref();
    return () => clearInterval(timer);
  },
  sleep(ms, signal) {
    return sleepOn(systemClock, ms, signal);
  },
};

/** `sleep` in terms of `after`, shared by every clock. */
export function sleepOn(clock: Pick<Clock, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

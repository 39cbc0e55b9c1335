/** Cancels a timer or registration; calling it twice is harmless. */
export type Undo = () => void;

/** Every part of the gateway takes time from here, so that tests decide what time it is. Times are epoch ms. */
export interface Clock {
  now(): number;
  /** Runs once after `ms`. The timer does not keep the process alive. */
  after(ms: number, run: () => void): Undo;
  /** Runs every `ms`. The timer does not keep the process alive. */
  every(ms: number, run: () => void): Undo;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
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

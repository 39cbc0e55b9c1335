import { type Clock, sleepOn } from "./clock.ts";

interface Timer {
  dueAt: number;
  run: () => void;
  everyMs?: number;
}

/** A clock that moves only when told to, for tests and the extension harness. */
export interface FakeClock extends Clock {
  /** Moves time forward by `ms`, running due timers in order and letting promises settle between them. */
  advance(ms: number): Promise<void>;
  /** Sets the clock forward, or back below 0, without any time going by: timers keep their waits. */
  jump(byMs: number): void;
  /** Timers that have not run yet. */
  readonly pending: number;
}

/** Lets everything that is already resolvable run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

export function createFakeClock(startAt = 1_700_000_000_000): FakeClock {
  let now = startAt;
  let jumped = 0;
  const timers = new Set<Timer>();
  const add = (timer: Timer) => {
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const nextDue = (until: number) =>
    [...timers].filter((timer) => timer.dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
  const clock: FakeClock = {
    now: () => now + jumped,
    after: (ms, run) => add({ dueAt: now + ms, run }),
    every: (ms, run) => add({ dueAt: now + ms, run, everyMs: ms }),
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    get pending() {
      return timers.size;
    },
    jump(byMs) {
      jumped += byMs;
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        now = timer.dueAt;
        if (timer.everyMs === undefined) timers.delete(timer);
        else timer.dueAt += timer.everyMs;
        timer.run();
        await settle();
      }
      now = until;
      await settle();
    },
  };
  return clock;
}

import type { Clock, Undo } from "./clock.ts";

/**
 * True when `ms` have passed since `since`; all are epoch ms. What was noted in the future was noted before the clock was set back:
 * it is over, so that nothing waits for the clock to come there again.
 */
export const isOver = (since: number, ms: number, now: number): boolean => now < since || now - since >= ms;

const LOOK_MS = 10_000;

/** Clocks that are only slewed lose less between two looks: 500 ppm (https://man7.org/linux/man-pages/man2/adjtimex.2.html) are 5 ms. */
const SLEW_MS = 100;

/**
 * Notices within 10 s that the clock of the host was set back, and says by how much, ms: times that were stored lie that much
 * further in the future than was meant. A timer is never early, so that whatever is missing was taken away.
 */
export function watchClock(clock: Clock, onSetBack: (byMs: number) => void): Undo {
  let before = clock.now();
  return clock.every(LOOK_MS, () => {
    const now = clock.now();
    const byMs = before + LOOK_MS - now;
    before = now;
    if (byMs > SLEW_MS) onSetBack(byMs);
  });
}

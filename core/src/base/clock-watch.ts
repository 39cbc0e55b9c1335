import type { Clock, Undo } from "./clock.ts";

const LOOK_MS = 10_000;

/**
 * Notices within 10 s that the clock of the host was set back, and says by how much, ms: times that were stored lie that much
 * further in the future than was meant.
 */
export function watchClock(clock: Clock, onSetBack: (byMs: number) => void): Undo {
  let before = clock.now();
  return clock.every(LOOK_MS, () => {
    const now = clock.now();
    const byMs = before + LOOK_MS - now;
    const setBack = now < before;
    before = now;
    if (setBack) onSetBack(byMs);
  });
}

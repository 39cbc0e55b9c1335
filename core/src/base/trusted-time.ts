import type { Clock, Undo } from "./clock.ts";

const DAY_MS = 86_400_000;
/** A round that comes this much too early or late was moved by the clock, ms. */
const JUMP_MS = 600_000;
/** A jump forward of more than a day is taken for a mistake until the clock has run evenly for so long, ms. */
const BELIEVED_AFTER_MS = 7 * DAY_MS;

export interface TrustedRounds {
  readonly everyMs: number;
  /** `now` is what the age of a record may be measured by, epoch ms: never later than the clock says. */
  readonly run: (now: number) => void;
  /** Instead of the round in which the clock jumped. Default: nothing. */
  readonly onJump?: (byMs: number) => void;
}

/**
 * Rounds of something that throws old records away. What is gone cannot be brought back when the clock is put right, so a clock
 * that jumped is not believed: its round is left out, and after a jump forward of more than a day records age from where they
 * were, until the clock was put right, has run evenly for a week, or the process starts again.
 */
export function everyTrusted(clock: Clock, { everyMs, run, onJump }: TrustedRounds): Undo {
  let last = clock.now();
  let aheadMs = 0;
  let evenMs = 0;
  return clock.every(everyMs, () => {
    const now = clock.now();
    const byMs = now - last - everyMs;
    last = now;
    if (Math.abs(byMs) > JUMP_MS) {
      evenMs = 0;
      if (Math.abs(byMs) > DAY_MS) aheadMs = Math.max(0, aheadMs + byMs);
      onJump?.(byMs);
      return;
    }
    evenMs += everyMs;
    if (evenMs >= BELIEVED_AFTER_MS) aheadMs = 0;
    run(now - aheadMs);
  });
}

import type { Clock } from "../../base/clock.ts";

/**
 * Platform calls of one account a second, unless its owner says otherwise: what Telegram allows a bot over all its chats.
 * The limits of one conversation are the platform's to name, with `retryAfterMs`.
 * Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
export const SENDS_PER_SECOND = 30;

/** A token bucket that holds one second's worth of calls. */
export interface Pace {
  /** Calls that may be made now. */
  free(): number;
  /** When the next call may be made, epoch ms. */
  freeAt(): number;
  /**
   * When a call that can wait may be made, epoch ms: it leaves half of a second's worth to those that cannot, and all while such
   * wait.
   */
  spareAt(): number;
  /** Whether calls that cannot wait are waiting for their turn. */
  crowd(waiting: boolean): void;
  take(calls: number): void;
  /** The platform wants to hear nothing for so long, ms. Afterwards calls begin one at a time, not with a burst. */
  rest(ms: number): void;
}

export function createPace(clock: Clock, perSecond: number): Pace {
  let tokens = perSecond;
  let filledAt = clock.now();
  let resting = { from: 0, until: 0 };
  let crowded = false;
  const fill = (): void => {
    const now = clock.now();
    // A clock that was set back must not make an account rest for longer than it was told to.
    if (now < resting.from) resting = { from: 0, until: 0 };
    if (now < resting.until) return;
    const elapsed = Math.max(0, now - filledAt);
    tokens = Math.min(perSecond, tokens + (elapsed * perSecond) / 1_000);
    filledAt = now;
  };
  const reachedAt = (level: number): number => {
    fill();
    const now = clock.now();
    if (now < resting.until) return resting.until;
    return tokens >= level ? now : now + Math.ceil(((level - tokens) * 1_000) / perSecond);
  };
  return {
    free() {
      fill();
      return clock.now() < resting.until ? 0 : Math.floor(tokens);
    },
    freeAt: () => reachedAt(1),
    spareAt: () => (crowded ? clock.now() + Math.ceil(1_000 / perSecond) : reachedAt(Math.max(1, perSecond / 2))),
    crowd(waiting) {
      crowded = waiting;
    },
    take(calls) {
      tokens -= calls;
    },
    rest(ms) {
      const now = clock.now();
      resting = { from: now, until: Math.max(resting.until, now + ms) };
      tokens = 1;
      filledAt = resting.until;
    },
  };
}

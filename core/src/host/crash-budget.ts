import { backoffMs } from "../base/backoff.ts";
import { isOver } from "../base/clock-watch.ts";

/** When the host gives up on an extension, and how long it waits before. */
export interface CrashPolicy {
  /** Crashes within `windowMs` after which it is quarantined. Default 5 in 10 minutes. */
  readonly crashes: number;
  readonly windowMs: number;
  /** Delay of the first restart, ms; doubles up to `maxDelayMs`. Default 1 s and 60 s. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** Another start after a wait, or none. */
export type CrashVerdict =
  | { readonly retryInMs: number }
  /** Used up: so many crashes within the window. */
  | { readonly crashes: number; readonly minutes: number };

/** Counts the crashes of one extension and decides whether it gets another start. */
export function createCrashBudget(policy: CrashPolicy, fraction: () => number): (now: number) => CrashVerdict {
  let recent: number[] = [];
  return (now) => {
    recent = [...recent.filter((at) => !isOver(at, policy.windowMs, now)), now];
    if (recent.length >= policy.crashes) {
      return { crashes: recent.length, minutes: Math.ceil(policy.windowMs / 60_000) };
    }
    return {
      retryInMs: backoffMs(recent.length, { baseMs: policy.baseDelayMs, maxMs: policy.maxDelayMs, fraction }),
    };
  };
}

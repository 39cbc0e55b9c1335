import type { Clock, Undo } from "./clock.ts";

/** One timer for many wishes: it rings at the earliest time anybody asked for. */
export interface Alarm {
  /** Rings at `time` (epoch ms), or earlier if an earlier time was asked for. A time that has passed rings at once. */
  at(time: number): void;
  /** Forgets every wish. */
  cancel(): void;
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let pending: { readonly time: number; readonly undo: Undo } | undefined;
  const cancel = () => {
    pending?.undo();
    pending = undefined;
  };
  return {
    at(time) {
      if (pending !== undefined && pending.time <= time) return;
      cancel();
      const undo = clock.after(Math.max(0, time - clock.now()), () => {
        pending = undefined;
        ring();
      });
      pending = { time, undo };
    },
    cancel,
  };
}

import type { Clock, Undo } from "./clock.ts";

/** Something that keeps a part of the gateway from its work. */
export interface Problem {
  /** `disk`, `inbox`, `media`: one problem a part. */
  readonly part: string;
  /** What is wrong and what to do about it; without secrets. */
  readonly reason: string;
  /** Epoch ms. */
  readonly since: number;
}

/** What is wrong now. `/readyz` and `health` tell it. */
export interface Problems {
  /** The first reason of a part stays until it is cleared. Returns true when the problem is new. */
  raise(part: string, reason: string): boolean;
  /** Returns true when there was one. */
  clear(part: string): boolean;
  list(): readonly Problem[];
  /** Calls back, never awaited, when a problem came or went. */
  watch(onChange: () => void): Undo;
}

export function createProblems(clock: Pick<Clock, "now">): Problems {
  const known = new Map<string, Problem>();
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const onChange of watchers) onChange();
    return true;
  };
  return {
    raise(part, reason) {
      if (known.has(part)) return false;
      known.set(part, { part, reason, since: clock.now() });
      return tell();
    },
    clear: (part) => known.delete(part) && tell(),
    list: () => [...known.values()],
    watch(onChange) {
      watchers.add(onChange);
      return () => void watchers.delete(onChange);
    },
  };
}

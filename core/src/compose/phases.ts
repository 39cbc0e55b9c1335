import type { Logger } from "../base/log.ts";

/** Runs one phase of the start and logs one line with its duration, so that a slow start is never silent. */
export type Phase = <T>(name: string, run: () => T | Promise<T>) => Promise<T>;

/** @param now Milliseconds of a clock that does not jump. */
export function createPhases(log: Logger, now: () => number): Phase {
  return async (name, run) => {
    const startedAt = now();
    const result = await run();
    log.info(`start: ${name}`, { ms: Math.round((now() - startedAt) * 10) / 10 });
    return result;
  };
}

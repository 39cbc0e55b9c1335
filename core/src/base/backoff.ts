export interface BackoffOptions {
  /** Delay of the first retry, ms. */
  readonly baseMs: number;
  /** No delay is longer, ms. */
  readonly maxMs: number;
  /** Number in [0, 1). */
  readonly fraction: () => number;
}

/**
 * Exponential back-off with "equal jitter": half of the delay is fixed, half is random, so that many accounts that failed
 * together do not retry together. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt Failures so far, from 1.
 */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * options.fraction());
}

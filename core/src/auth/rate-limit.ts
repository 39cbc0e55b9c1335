import { canonicalAddress, isLoopbackAddress, networkOf } from "./addresses.ts";

/** What is guessed at; each has a count of its own, so that failures at one never lock another. */
export type GuessScope = "shared-secret" | "device-token" | "bootstrap" | "proxy";

/** `gateway.auth.rateLimit`. */
export interface RateLimitSettings {
  /** Failures within the window that lead to a lock. */
  readonly maxAttempts: number;
  readonly windowMs: number;
  readonly lockoutMs: number;
  /** Whether programs on the gateway's own host are left out. */
  readonly exemptLoopback: boolean;
}

/** Source of the numbers: wire protocol 1.4. */
export const RATE_LIMIT: RateLimitSettings = {
  maxAttempts: 10,
  windowMs: 60_000,
  lockoutMs: 300_000,
  exemptLoopback: true,
};

/** Networks remembered at once: some 2 MB of memory when every one of them failed ten times. */
const MAX_KEYS = 10_000;
/** How many of the longest silent are looked at for one that may be forgotten. */
const EVICTION_LOOKS = 64;

/** Who guesses. */
export interface Guesser {
  readonly address: string;
  /** A web page: it can use the address of whoever looks at it, so pages are counted apart and never exempt. */
  readonly isPage: boolean;
  /** A program on the gateway's own host, whose owner could read the secret from a file. */
  readonly isLocal: boolean;
}

/** Counts wrong credentials for each scope and network and locks out who guesses. */
export interface RateLimiter {
  /** Milliseconds until this guesser may try again; 0 when it may now. */
  lockedFor(scope: GuessScope, guesser: Guesser): number;
  failed(scope: GuessScope, guesser: Guesser): void;
  /** A right credential clears the count of its scope, but lifts no lock. */
  succeeded(scope: GuessScope, guesser: Guesser): void;
  /** Networks remembered. */
  readonly size: number;
}

export interface RateLimiterParts {
  readonly settings: RateLimitSettings;
  /** Epoch ms. */
  readonly now: () => number;
  readonly maxKeys?: number;
}

interface Count {
  /** Times of the failures within the window, oldest first. */
  readonly failures: readonly number[];
  lockedUntil: number;
}

/**
 * Always on (an attempt is counted whatever else it carries) and bounded: when it is full, one without a lock goes that has
 * been silent longest, and only among locks alone the oldest lock.
 */
export function createRateLimiter({ settings, now, maxKeys = MAX_KEYS }: RateLimiterParts): RateLimiter {
  // A count moves to the end when it changes, so the first ones have been silent longest.
  const counts = new Map<string, Count>();
  const isExempt = ({ isPage, isLocal }: Guesser): boolean => settings.exemptLoopback && isLocal && !isPage;
  const isIdle = ({ failures, lockedUntil }: Count, at: number): boolean =>
    lockedUntil <= at && (failures.at(-1) ?? 0) + settings.windowMs <= at;

  return {
    lockedFor(scope, guesser) {
      const count = isExempt(guesser) ? undefined : counts.get(keyOf(scope, guesser));
      if (count === undefined) return 0;
      const at = now();
      // A clock that was set back must not lock for longer than a lock lasts.
      count.lockedUntil = Math.min(count.lockedUntil, at + settings.lockoutMs);
      return Math.max(0, count.lockedUntil - at);
    },
    failed(scope, guesser) {
      if (isExempt(guesser)) return;
      const at = now();
      const key = keyOf(scope, guesser);
      const known = counts.get(key);
      const recent = (known?.failures ?? []).filter((time) => time <= at && time > at - settings.windowMs);
      const failures = [...recent, at];
      const locks = failures.length >= settings.maxAttempts;
      counts.delete(key);
      if (counts.size >= maxKeys) evictOne(counts, at);
      counts.set(key, locks ? { failures: [], lockedUntil: at + settings.lockoutMs } : { failures, lockedUntil: 0 });
    },
    succeeded(scope, guesser) {
      const key = keyOf(scope, guesser);
      // A lock stays: whoever has one right credential could lift it for guesses in between.
      if ((counts.get(key)?.lockedUntil ?? 0) <= now()) counts.delete(key);
    },
    get size() {
      const at = now();
      for (const [key, count] of counts) if (isIdle(count, at)) counts.delete(key);
      return counts.size;
    },
  };
}

/** Forgets the one without a lock that has been silent longest, or the oldest lock where locks fill the front. */
function evictOne(counts: Map<string, Count>, at: number): void {
  let victim: string | undefined;
  let looks = 0;
  for (const [key, { lockedUntil }] of counts) {
    victim ??= key;
    if (lockedUntil <= at) victim = key;
    looks += 1;
    if (lockedUntil <= at || looks === EVICTION_LOOKS) break;
  }
  if (victim !== undefined) counts.delete(victim);
}

/** Pages on this host share one count, whatever their loopback address. */
function keyOf(scope: GuessScope, { address, isPage }: Guesser): string {
  if (!isPage) return `${scope} ${networkOf(address)}`;
  const where = isLoopbackAddress(canonicalAddress(address)) ? "loopback" : networkOf(address);
  return `${scope} page ${where}`;
}

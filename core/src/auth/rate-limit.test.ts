import { describe, expect, it } from "vitest";
import { type Guesser, type RateLimiter, RATE_LIMIT, createRateLimiter } from "./rate-limit.ts";

const from = (address: string, over: Partial<Guesser> = {}): Guesser => ({
  address,
  isPage: false,
  isLocal: false,
  ...over,
});

function start(over: Partial<Parameters<typeof createRateLimiter>[0]> = {}) {
  const time = { now: 1_700_000_000_000 };
  const limiter = createRateLimiter({ settings: RATE_LIMIT, now: () => time.now, ...over });
  return { time, limiter };
}

function guess(limiter: RateLimiter, guesser: Guesser, times = 10): void {
  for (let guesses = 0; guesses < times; guesses += 1) limiter.failed("shared-secret", guesser);
}

describe("the rate limit", () => {
  it("locks after ten failures within a minute, for five minutes", () => {
    const { time, limiter } = start();
    const stranger = from("203.0.113.9");
    guess(limiter, stranger, 9);
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(0);
    guess(limiter, stranger, 1);
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(300_000);
    time.now += 299_999;
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(1);
    time.now += 1;
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(0);
  });

  it("forgets a failure after its minute, one by one", () => {
    const { time, limiter } = start();
    const stranger = from("203.0.113.9");
    for (let guesses = 0; guesses < 30; guesses += 1) {
      limiter.failed("shared-secret", stranger);
      time.now += 6_700;
    }
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(0);
    time.now += 60_000;
    expect(limiter.size).toBe(0);
  });

  it.each([
    ["203.0.113.9", "::ffff:203.0.113.9"],
    ["203.0.113.9", "::ffff:cb00:7109"],
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
    ["fe80::1%eth0", "fe80::1%wlan0"],
  ])("counts %s and %s as one", (one, other) => {
    const { limiter } = start();
    guess(limiter, from(one), 5);
    guess(limiter, from(other), 5);
    expect(limiter.lockedFor("shared-secret", from(one))).toBeGreaterThan(0);
  });

  it("counts networks and scopes apart", () => {
    const { limiter } = start();
    guess(limiter, from("203.0.113.9"));
    expect(limiter.lockedFor("shared-secret", from("203.0.113.10"))).toBe(0);
    expect(limiter.lockedFor("device-token", from("203.0.113.9"))).toBe(0);
    guess(limiter, from("2001:db8:1:2::1"));
    expect(limiter.lockedFor("shared-secret", from("2001:db8:1:3::1"))).toBe(0);
  });

  it("leaves out programs of this host, and never the pages that are open on it", () => {
    const { limiter } = start();
    const program = from("127.0.0.1", { isLocal: true });
    const page = from("127.0.0.1", { isLocal: true, isPage: true });
    guess(limiter, program, 100);
    expect(limiter.lockedFor("shared-secret", program)).toBe(0);
    guess(limiter, page, 5);
    guess(limiter, from("::1", { isPage: true }), 5);
    expect(limiter.lockedFor("shared-secret", page)).toBeGreaterThan(0);
    expect(limiter.lockedFor("shared-secret", program)).toBe(0);
    const strict = start({ settings: { ...RATE_LIMIT, exemptLoopback: false } }).limiter;
    guess(strict, program);
    expect(strict.lockedFor("shared-secret", program)).toBeGreaterThan(0);
  });

  it("is cleared by a right credential of the same scope", () => {
    const { limiter } = start();
    const owner = from("203.0.113.9");
    guess(limiter, owner, 9);
    limiter.succeeded("device-token", owner);
    limiter.succeeded("shared-secret", owner);
    guess(limiter, owner, 9);
    expect(limiter.lockedFor("shared-secret", owner)).toBe(0);
  });

  it("remembers so many networks and no more, and locks longest", () => {
    const { limiter } = start({ maxKeys: 100 });
    const locked = from("198.51.100.1");
    guess(limiter, locked);
    for (let host = 0; host < 5_000; host += 1)
      limiter.failed("shared-secret", from(`10.0.${host >> 8}.${host & 255}`));
    expect(limiter.size).toBe(100);
    expect(limiter.lockedFor("shared-secret", locked)).toBe(300_000);
    for (let host = 0; host < 150; host += 1) guess(limiter, from(`10.1.0.${host}`));
    expect(limiter.size).toBe(100);
    expect(limiter.lockedFor("shared-secret", locked)).toBe(0);
    expect(limiter.lockedFor("shared-secret", from("10.1.0.149"))).toBe(300_000);
  });

  it("survives a clock that jumps", () => {
    const { time, limiter } = start();
    const stranger = from("203.0.113.9");
    guess(limiter, stranger);
    time.now -= 365 * 86_400_000;
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(300_000);
    time.now += 300_000;
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(0);
    guess(limiter, stranger);
    time.now += 2 * 365 * 86_400_000;
    expect(limiter.lockedFor("shared-secret", stranger)).toBe(0);
  });
});

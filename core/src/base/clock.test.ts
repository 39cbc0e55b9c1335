import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";

const DAY_MS = 86_400_000;

describe("the system's clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("waits as long as it is told to, beyond the reach of Node's timers", async () => {
    const rung: string[] = [];
    systemClock.after(60 * DAY_MS, () => rung.push("sixty days"));
    const cancel = systemClock.after(30 * DAY_MS, () => rung.push("never"));
    systemClock.after(Number.MAX_SAFE_INTEGER, () => rung.push("the end of time"));
    await vi.advanceTimersByTimeAsync(26 * DAY_MS);
    cancel();
    expect(rung).toEqual([]);
    await vi.advanceTimersByTimeAsync(34 * DAY_MS);
    expect(rung).toEqual(["sixty days"]);
  });
});

import { describe, expect, it } from "vitest";
import { percentile } from "../load/figures.ts";
import { loadHalfOpen } from "../load/half-open.ts";

describe("sockets that open and say no more", () => {
  it("cost an authenticated client nothing, and do not pile up", async () => {
    const { callsMs, opened, kept } = await loadHalfOpen(4_000);
    expect(opened).toBe(4_000);
    expect(callsMs.length).toBeGreaterThan(100);
    expect(percentile(callsMs, 0.99)).toBeLessThan(50);
    // 512 wait at most; the rest are those whose end has not reached this process yet.
    expect(kept).toBeLessThan(2_000);
  });
});

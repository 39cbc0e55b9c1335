import { describe, expect, it } from "vitest";
import { loadHalfOpen } from "../load/half-open.ts";

describe("sockets that open and say no more", () => {
  // How fast the answers are is measured by `npm run load`: here two cores carry gateway, client, strangers and other tests.
  it("do not pile up, and never keep the gateway from others for long", async () => {
    const { callsMs, opened, kept, longestMs } = await loadHalfOpen(4_000);
    expect(opened).toBe(4_000);
    expect(callsMs.length).toBeGreaterThan(100);
    // 512 wait at most; the rest are those whose end has not reached this process yet.
    expect(kept).toBeLessThan(2_000);
    // Of its own work, whatever else the machine does: 5 to 15 ms are usual.
    expect(longestMs).toBeGreaterThan(0);
    expect(longestMs).toBeLessThan(50);
  });
});

import { describe, expect, it } from "vitest";
import { GatewayError } from "./errors.ts";
import { retryDelay } from "./session.ts";

const error = (retryAfterMs?: number) =>
  new GatewayError({ code: "UNAVAILABLE", message: "x", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

describe("retryDelay", () => {
  it("doubles from 1 s to 30 s, half of it random", () => {
    const shortest = [1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) => retryDelay(attempt, error(), () => 0));
    expect(shortest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    expect(retryDelay(1, error(), () => 0.5)).toBe(750);
    expect(retryDelay(100, error(), () => 0.999)).toBeLessThan(30_000);
  });

  it("never comes back earlier than the gateway asked", () => {
    expect(retryDelay(1, error(60_000), () => 0)).toBe(60_000);
  });
});

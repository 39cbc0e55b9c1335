import { describe, expect, it } from "vitest";
import { bodyDigest } from "./digest.ts";

describe("the digest of a request's body", () => {
  it("does not depend on the order of keys or on members that are undefined", () => {
    expect(bodyDigest({ a: 1, b: { c: [1, 2], d: null } })).toBe(
      bodyDigest({ b: { d: null, c: [1, 2] }, a: 1, e: undefined }),
    );
  });

  it("refuses values that nest deeper than any request", () => {
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    expect(bodyDigest(nested(99))).toHaveLength(43);
    for (const levels of [101, 100_000]) {
      expect(() => bodyDigest(nested(levels))).toThrow("params nest deeper than 100 levels: send them flatter");
    }
  });

  it("differs for every other difference", () => {
    const bodies = [{}, [], null, "1", 1, { a: 1 }, { a: "1" }, { a: [1, 2] }, { a: [2, 1] }, { a: { b: 1 } }];
    expect(new Set(bodies.map(bodyDigest)).size).toBe(bodies.length);
  });
});

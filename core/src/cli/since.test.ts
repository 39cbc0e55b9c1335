import { describe, expect, it } from "vitest";
import { parseSince } from "./since.ts";

describe("--since", () => {
  const now = Date.UTC(2026, 0, 31);

  it.each([
    ["90s", now - 90_000],
    ["30m", now - 1_800_000],
    ["2h", now - 7_200_000],
    ["7d", now - 7 * 86_400_000],
    ["2026-01-30", now - 86_400_000],
    ["999999d", 0],
  ])("reads %s", (text, at) => expect(parseSince(text, now)).toBe(at));

  it("says what it takes", () => {
    expect(() => parseSince("yesterday", now)).toThrow(
      '--since takes 30m, 2h, 7d or a date like 2026-01-31, not "yesterday"',
    );
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { watchClock } from "./clock-watch.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";

describe("watching the clock", () => {
  let clock: FakeClock;
  let noticed: number[];
  let undo: () => void;

  beforeEach(() => {
    clock = createFakeClock();
    noticed = [];
    undo = watchClock(clock, (byMs) => void noticed.push(byMs));
  });

  it.each([200, 3_000, 9_999, 10_000, 86_400_000])("notices once that it was set back by %i ms", async (byMs) => {
    await clock.advance(14_000);
    clock.jump(-byMs);
    await clock.advance(40_000);
    expect(noticed).toEqual([byMs]);
  });

  it("minds neither a clock that is slewed, nor one that was set forward or a process that slept", async () => {
    for (const byMs of [-5, -100, 3_000, 86_400_000]) {
      clock.jump(byMs);
      await clock.advance(10_000);
    }
    expect(noticed).toEqual([]);
  });

  it("ends when it is told to", async () => {
    undo();
    clock.jump(-86_400_000);
    await clock.advance(20_000);
    expect(noticed).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

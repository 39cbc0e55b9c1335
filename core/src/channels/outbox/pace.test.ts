import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../base/fake-clock.ts";
import { createPace } from "./pace.ts";

describe("the pace of an account", () => {
  it("allows one second's worth at once and then goes on steadily", async () => {
    const clock = createFakeClock();
    const pace = createPace(clock, 4);
    expect(pace.free()).toBe(4);
    pace.take(4);
    expect(pace.free()).toBe(0);
    expect(pace.freeAt()).toBe(clock.now() + 250);
    await clock.advance(250);
    expect(pace.free()).toBe(1);
    await clock.advance(60_000);
    expect(pace.free()).toBe(4);
  });

  it("rests as long as the platform says and begins again without a burst", async () => {
    const clock = createFakeClock();
    const pace = createPace(clock, 4);
    pace.rest(20_000);
    expect([pace.free(), pace.freeAt()]).toEqual([0, clock.now() + 20_000]);
    pace.rest(1_000);
    expect(pace.freeAt()).toBe(clock.now() + 20_000);
    await clock.advance(20_000);
    expect(pace.free()).toBe(1);
  });

  it("does not rest for a year because the clock was set back by one", () => {
    const clock = createFakeClock();
    let behind = 0;
    const pace = createPace({ ...clock, now: () => clock.now() - behind }, 4);
    pace.take(4);
    pace.rest(20_000);
    behind = 365 * 86_400_000;
    expect(pace.freeAt()).toBe(clock.now() - behind);
    pace.take(1);
    expect(pace.freeAt()).toBe(clock.now() - behind + 250);
  });
});

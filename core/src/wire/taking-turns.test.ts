import { describe, expect, it } from "vitest";
import { createTakingTurns } from "./taking-turns.ts";

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("what takes turns", () => {
  it("is done in order, a few in each turn of the event loop", async () => {
    const done: number[] = [];
    const soon = createTakingTurns(2);
    for (const number of [1, 2, 3, 4, 5]) soon(() => done.push(number));
    expect(done).toEqual([]);
    const seen: number[] = [];
    for (let turns = 0; turns < 4; turns += 1) {
      await turnOfTheLoop();
      seen.push(done.length);
    }
    expect(seen).toEqual([2, 4, 5, 5]);
    expect(done).toEqual([1, 2, 3, 4, 5]);
  });

  it("goes on with what is added while it is at it, and after it had nothing to do", async () => {
    const done: string[] = [];
    const soon = createTakingTurns(1);
    soon(() => {
      done.push("first");
      soon(() => done.push("second"));
    });
    await expect.poll(() => done).toEqual(["first", "second"]);
    soon(() => done.push("third"));
    await expect.poll(() => done).toEqual(["first", "second", "third"]);
  });
});

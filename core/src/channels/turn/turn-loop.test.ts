import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { silentLog } from "../../store/test-store.ts";
import type { InboxClaim } from "../inbox/inbox.ts";
import type { InboxTurnParts } from "./turn-inbox.ts";
import { InboxLoop } from "./turn-loop.ts";
import type { TurnRunner } from "./turn-run.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** An inbox that answers claims when it is told to, and keeps what is in hand until it is let go. */
function scripted(clock: FakeClock, width: number) {
  const asked: { readonly most: number; readonly answer: (count: number) => void; readonly fail: () => void }[] = [];
  const inHand: (() => void)[] = [];
  const parts = {
    clock,
    log: silentLog,
    lanes: { width },
    inbox: {
      claim: (most: number) =>
        new Promise<readonly InboxClaim[]>((resolve, reject) => {
          // A claim without a message is parked at once: that is all the work these make.
          const claim = { ids: [], channel: "c", account: "a", lane: "l", events: [] } as unknown as InboxClaim;
          asked.push({
            most,
            answer: (count) => resolve(Array.from({ length: count }, () => claim)),
            fail: () => reject(new Error("no disk")),
          });
        }),
      park: () => new Promise<void>((resolve) => void inHand.push(resolve)),
    },
  } as unknown as InboxTurnParts;
  const letGo = (count: number) => {
    for (const end of inHand.splice(0, count)) end();
  };
  return { loop: new InboxLoop(parts, {} as TurnRunner), asked, inHand, letGo };
}

let clock: FakeClock;
let house: ReturnType<typeof scripted>;

beforeEach(() => {
  clock = createFakeClock();
  house = scripted(clock, 8);
});

/** Answers what is asked with nothing, until nothing is. */
async function end(): Promise<void> {
  const closed = house.loop.close();
  for (const { answer } of house.asked) answer(0);
  await settle();
  house.letGo(Infinity);
  await closed;
}

afterEach(() => end());

describe("the loop that claims messages", () => {
  it("has no more claims under way than it may, each for its share of what may be in hand", () => {
    for (let wakes = 0; wakes < 10; wakes += 1) house.loop.wake();
    expect(house.asked.map(({ most }) => most)).toEqual([8, 8, 8, 8]);
  });

  it("never has more in hand than it may", async () => {
    house.loop.wake();
    for (let at = 0; at < house.asked.length; at += 1) {
      house.asked[at]?.answer(house.asked[at]?.most ?? 0);
      await settle();
    }
    expect(house.inHand).toHaveLength(32);
  });

  it("claims again when it was woken while its claims were under way, for a message that they may have missed", async () => {
    for (let wakes = 0; wakes < 5; wakes += 1) house.loop.wake();
    house.asked[0]?.answer(0);
    await settle();
    expect(house.asked).toHaveLength(5);
  });

  it("does not miss a message when the only claim under way takes the last place", async () => {
    house.loop.wake();
    for (let at = 0; at < 4; at += 1) {
      house.asked[at]?.answer(8);
      await settle();
    }
    house.letGo(1);
    await settle();
    expect(house.asked.map(({ most }) => most).slice(4)).toEqual([1]);
    house.loop.wake();
    house.asked[4]?.answer(0);
    await settle();
    expect(house.asked.map(({ most }) => most).slice(4)).toEqual([1, 1]);
  });

  it("claims in one go what many messages that end together leave room for", async () => {
    house.loop.wake();
    for (let at = 0; at < 4; at += 1) {
      house.asked[at]?.answer(8);
      await settle();
    }
    house.letGo(8);
    await settle();
    expect(house.asked.map(({ most }) => most).slice(4)).toEqual([8]);
  });

  it("rests once when several claims fail, and then claims again", async () => {
    for (let wakes = 0; wakes < 4; wakes += 1) house.loop.wake();
    for (const { fail } of house.asked) fail();
    await settle();
    expect([house.asked.length, clock.pending]).toEqual([4, 1]);
    await clock.advance(5_000);
    expect(house.asked).toHaveLength(5);
  });

  it("leaves no timer behind when it is closed while it rests", async () => {
    house.loop.wake();
    house.asked[0]?.fail();
    await settle();
    await house.loop.close();
    expect(clock.pending).toBe(0);
    house.loop.wake();
    expect(house.asked).toHaveLength(1);
  });
});

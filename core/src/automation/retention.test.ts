import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { type Keep, startRetention } from "./retention.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of real time: the database works in its own. */
const PATIENCE_MS = 5_000;

let store: TestStore;
let clock: FakeClock;
let collected: unknown[];
let undo: () => void;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  collected = [];
  undo = () => {};
});
afterEach(async () => {
  undo();
  await store.dispose();
});

function start(keep: Keep): void {
  const media = { collect: async (options: object) => void collected.push(options) };
  const inbox = { noteRemoved: () => {} };
  undo = startRetention({ store, media, inbox, clock, log: silentLog, keep });
}

const say = (id: string) =>
  store.run("sessions.append", {
    key: sessionKey("agent:main:main"),
    sessionId: "s",
    at: clock.now(),
    messages: [{ id, message: { role: "user", content: id, timestamp: 1 } }],
  });
const said = async () =>
  (await store.run("sessions.history", { sessionId: "s", limit: 1000 })).map((text) => JSON.parse(text).content);

const peer = { kind: "dm", id: "1" } as const;
const enqueue = (deliveryId: string) =>
  store.run("outbox.enqueue", {
    intents: [
      {
        deliveryId,
        channel: "x",
        account: "a",
        lane: deliveryId,
        outbound: { to: peer, type: "message", body: { text: "x" } },
        part: { index: 0, of: 1, text: "x" },
        at: clock.now(),
      },
    ],
  });
async function sendAll(): Promise<void> {
  const { claims } = await store.run("outbox.claim", { channel: "x", account: "a", now: clock.now(), limit: 10 });
  for (const claim of claims) {
    const receipt = { ids: [`p-${claim.deliveryId}`], at: clock.now(), peer };
    await store.run("outbox.settle", { claim, at: clock.now(), settlement: { state: "sent", receipt } });
  }
}
const delivery = async (deliveryId: string) => (await store.run("ledger.outcome", { deliveryId }))?.state;

/** Until a round of upkeep has ended. */
async function round(): Promise<void> {
  const before = collected.length;
  await clock.advance(HOUR_MS);
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (collected.length === before && performance.now() < giveUpAt) await clock.advance(50);
}

describe("retention", () => {
  it("keeps transcripts for ever unless it is told otherwise", async () => {
    start({ ledgerDays: 30 });
    await say("old");
    await clock.advance(400 * DAY_MS);
    await round();
    expect(await said()).toEqual(["old"]);
    expect(collected.at(-1)).not.toHaveProperty("maxAgeMs");
  });

  it("removes messages that are older than the days given, in as many steps as it takes", async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, index) => say(`old ${index}`)));
    await clock.advance(3 * DAY_MS);
    await say("new");
    start({ ledgerDays: 30, transcriptsDays: 2, mediaDays: 5 });
    await round();
    expect(await said()).toEqual(["new"]);
    expect(collected).toMatchObject([{ maxAgeMs: 5 * DAY_MS }]);
  });

  it("forgets old deliveries with all that belongs to them, and none that may still be sent", async () => {
    await enqueue("sent");
    await sendAll();
    await enqueue("waiting");
    await clock.advance(31 * DAY_MS);
    await enqueue("young");
    start({ ledgerDays: 30 });
    await round();
    expect(await Promise.all(["sent", "waiting", "young"].map(delivery))).toEqual([undefined, "queued", "queued"]);
  });

  it("throws nothing away on the word of a clock that jumped", async () => {
    await say("kept");
    start({ ledgerDays: 30, transcriptsDays: 2 });
    const now = clock.now.bind(clock);
    let jumpMs = 365 * DAY_MS;
    clock.now = () => now() + jumpMs;
    await clock.advance(HOUR_MS);
    jumpMs = 0;
    await clock.advance(HOUR_MS);
    expect(collected).toEqual([]);
    await round();
    expect(collected).toHaveLength(1);
    expect(await said()).toEqual(["kept"]);
  });
});

import type { Inbound } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import type { Settlement } from "../store/tables/outbox.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { type Keep, startRetention } from "./retention.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of real time: the database works in its own. */
const PATIENCE_MS = 5_000;

let store: TestStore;
let clock: FakeClock;
let collected: unknown[];
let pruned: number[];
let undo: () => void;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  collected = [];
  pruned = [];
  undo = () => {};
});
afterEach(async () => {
  undo();
  await store.dispose();
});

function start(keep: Omit<Keep, "auditDays"> & { auditDays?: number }): void {
  const media = { collect: async (options: object) => void collected.push(options) };
  const inbox = { noteRemoved: () => {} };
  const audit = { prune: async (before: number) => pruned.push(before) };
  undo = startRetention({ store, media, inbox, audit, clock, log: silentLog, keep: { auditDays: 365, ...keep } });
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
async function settleAll(settlement: Settlement): Promise<void> {
  const { claims } = await store.run("outbox.claim", { channel: "x", account: "a", now: clock.now(), limit: 10 });
  for (const claim of claims) await store.run("outbox.settle", { claim, at: clock.now(), settlement });
}
const sendAll = () => settleAll({ state: "sent", receipt: { ids: ["p"], at: clock.now(), peer } });

async function run(id: string): Promise<void> {
  await store.run("runs.accept", {
    runId: id,
    door: "agent",
    identity: "d",
    digest: "x",
    sessionKey: sessionKey("agent:main:main"),
    sessionId: "s",
    agentId: "main",
    request: "{}",
    message: { id, message: { role: "user", content: id, timestamp: 1 } },
    at: clock.now(),
  });
  const times = { startedAt: clock.now(), endedAt: clock.now() };
  await store.run("runs.close", {
    runId: id,
    outcome: { text: "", media: [], state: "done", ...times },
    intents: [],
    inbox: { state: "done" },
    at: clock.now(),
  });
}
const isKnown = async (runId: string) => (await store.run("runs.get", { runId })) !== undefined;

const receive = (eventId: string) =>
  store.run("inbox.receive", {
    channel: "x",
    account: "a",
    lease: "bot",
    at: clock.now(),
    album: { quietMs: 1, maxMs: 1 },
    keepUntil: clock.now(),
    entries: [{ eventId, lane: eventId, event: message(eventId) }],
  });
const message = (id: string): Inbound => ({
  type: "message",
  eventId: id,
  at: 1,
  messageId: id,
  peer,
  from: peer,
  body: { text: id },
});
const delivery = async (deliveryId: string) => (await store.run("ledger.outcome", { deliveryId }))?.state;

/** Until a round of upkeep has ended; one that began before the clock was moved on by days is of no use for what is old since. */
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

  it("forgets runs with the rest of the ledger, and not before", async () => {
    await run("old");
    await clock.advance(20 * DAY_MS);
    await run("young");
    start({ ledgerDays: 30 });
    await round();
    expect(await Promise.all(["old", "young"].map(isKnown))).toEqual([true, true]);
    await clock.advance(10 * DAY_MS);
    await round();
    await round();
    expect(await Promise.all(["old", "young"].map(isKnown))).toEqual([false, true]);
  });

  it("keeps what waits for its owner's decision: parked messages, and parts of unknown fate", async () => {
    await enqueue("unknown");
    await settleAll({ state: "unknown", reason: "reset" });
    await enqueue("dead");
    await settleAll({ state: "dead", reason: "refused" });
    for (const state of ["parked", "done"] as const) {
      const { stored } = await receive(state);
      expect(stored).toEqual([true]);
      const { claims } = await store.run("inbox.claim", { now: clock.now(), maxAttempts: 5, maxEarlyDeaths: 20 });
      await store.run("inbox.close", { ids: claims[0]!.ids, state, reason: "checked", at: clock.now() });
    }
    await clock.advance(400 * DAY_MS);
    start({ ledgerDays: 30 });
    await round();
    expect(await Promise.all(["unknown", "dead"].map(delivery))).toEqual(["unknown", undefined]);
    expect(await store.run("ledger.counts", {})).toMatchObject([
      { direction: "in", state: "parked", count: 1 },
      { direction: "out", state: "unknown", count: 1 },
    ]);
    await store.run("deliveries.drop", { deliveryId: "unknown", reason: "dropped", at: clock.now() });
    await clock.advance(31 * DAY_MS);
    await round();
    await round();
    expect(await delivery("unknown")).toBeUndefined();
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

  it("removes what the audit trail tells of longer ago than the days given", async () => {
    start({ ledgerDays: 30, auditDays: 90 });
    await round();
    expect(pruned).toHaveLength(1);
    expect(clock.now() - 90 * DAY_MS - (pruned[0] ?? 0)).toBeLessThan(HOUR_MS);
  });
});

import type { Inbound } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { openTestStore, silentLog, type TestStore } from "../../store/test-store.ts";
import { type Inbox, type InboxClaim, openInbox } from "./inbox.ts";

const SCOPE = { channel: "x", account: "a", lease: "bot" };

const message = (eventId: string, peer = "42", group?: string): Inbound => ({
  type: "message",
  eventId,
  at: 1,
  peer: { kind: "dm", id: peer },
  from: { id: peer },
  messageId: `m-${eventId}`,
  body: { text: eventId, ...(group === undefined ? {} : { group }) },
});

let store: TestStore;
let clock: FakeClock;
let inbox: Inbox;
let runs = 0;

/** The process that had messages in hand is gone; the next one begins. */
const die = async () => {
  inbox.close();
  inbox = await openInbox({ store, clock, log: silentLog, onRecorded: () => {} });
};

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  inbox = await openInbox({ store, clock, log: silentLog, onRecorded: () => {} });
});
afterEach(async () => {
  inbox.close();
  await store.dispose();
});

const receive = (...batch: Inbound[]) => inbox.receive(SCOPE, batch, {});
const eventsOf = (claim: InboxClaim | undefined) => claim?.events.map(({ eventId }) => eventId);
const states = async () =>
  Object.fromEntries((await store.run("ledger.counts", {})).map((row) => [row.state, row.count]));

/** The claimed messages come as far as a run, theirs of before if it is open. */
async function accept({ ids, lane }: InboxClaim): Promise<string> {
  const runId = `run-${(runs += 1)}`;
  const text = { id: runId, message: { role: "user", content: "hi", timestamp: 1 } } as const;
  const about = { identity: "x/a", digest: "d", sessionId: lane, agentId: "main", request: "{}", message: text, at: 1 };
  const key = sessionKey(`agent:main:${lane}`);
  const { run } = await store.run("runs.accept", { runId, door: "channel", sessionKey: key, inbox: ids, ...about });
  return run.runId;
}

async function end(claim: InboxClaim): Promise<void> {
  const outcome = { text: "", media: [], startedAt: 1, endedAt: 1, state: "done" } as const;
  const runId = await accept(claim);
  await store.run("runs.close", { runId, outcome, intents: [], inbox: { state: "done" }, at: 1 });
}

/** Deaths until something is parked: all that wait are taken in hand, and a hand without the poison ends well. */
async function deathsUntilParked(poison: string, before: (claim: InboxClaim) => Promise<unknown>): Promise<number> {
  for (let deaths = 0; deaths < 30; deaths += 1) {
    await die();
    for (let hand = await inbox.claim(100); hand.length > 0; hand = await inbox.claim(100)) {
      for (const claim of hand) await before(claim);
      if (hand.some(({ lane }) => lane.includes(poison))) break;
      for (const claim of hand) await end(claim);
    }
    if ((await states())["parked"] !== undefined) return deaths;
  }
  throw new Error("nothing was parked");
}

describe("messages in hand when the process dies", () => {
  it("come again; the death counts as an attempt only once they had a run", async () => {
    await receive(message("1"), message("2"));
    expect(eventsOf((await inbox.claim())[0])).toEqual(["1"]);
    await die();
    const [early] = await inbox.claim(9);
    expect(early).toMatchObject({ attempts: 0, hasRun: false, events: [{ eventId: "1" }] });
    await accept(early!);
    await die();
    expect(await inbox.claim(9)).toMatchObject([{ attempts: 1, hasRun: true, events: [{ eventId: "1" }] }]);
  });

  it("are parked when they kill it over their run, and nothing that was in hand with them", async () => {
    const all = ["a", "b", "poison", "c", "d"];
    await receive(...all.map((id) => message(id, id)));
    expect(await deathsUntilParked("poison", accept)).toBe(5);
    expect(await states()).toEqual({ done: 4, parked: 1 });
  });

  it("are found out by more deaths when they kill it before that, by their files", async () => {
    const all = ["a", "b", "poison", "c", "d"];
    await receive(...all.map((id) => message(id, id)));
    expect(await deathsUntilParked("poison", async () => undefined)).toBe(20);
    expect(await states()).toEqual({ done: 4, parked: 1 });
  });

  it("outlive many deaths while their files are fetched, and then still have all attempts at their run", async () => {
    await receive(message("1"));
    for (let deaths = 0; deaths < 19; deaths += 1) {
      expect(await inbox.claim()).toHaveLength(1);
      await die();
    }
    for (let attempts = 0; attempts < 5; attempts += 1) {
      const [claim] = await inbox.claim();
      expect(claim).toMatchObject({ attempts });
      await accept(claim!);
      await die();
    }
    expect(await inbox.claim()).toEqual([]);
    expect(await states()).toEqual({ parked: 1 });
  });

  it("count for every message that came into the run, and are parked as a whole", async () => {
    await receive(message("1", "42", "album"), message("2", "42", "album"));
    for (let deaths = 0; deaths < 5; deaths += 1) {
      await clock.advance(2_000);
      const [claim] = await inbox.claim();
      expect(eventsOf(claim)).toEqual(["1", "2"]);
      await accept(claim!);
      await die();
    }
    expect(await inbox.claim()).toEqual([]);
    expect(await states()).toEqual({ parked: 2 });
  });

  it("run one at a time after two deaths, while others go on", async () => {
    await receive(...["a", "b", "c"].map((id) => message(id, id)));
    for (let deaths = 0; deaths < 2; deaths += 1) {
      expect(await inbox.claim(9)).toHaveLength(3);
      await die();
    }
    await receive(...["d", "e"].map((id) => message(id, id)));
    const hand = [...(await inbox.claim(9)), ...(await inbox.claim(9))];
    expect(hand.flatMap(eventsOf)).toEqual(expect.arrayContaining(["a", "d", "e"]));
    expect(await inbox.claim(9)).toEqual([]);
    for (const claim of hand) await end(claim);
    expect((await inbox.claim(9)).map(eventsOf)).toEqual([["b"]]);
  });
});

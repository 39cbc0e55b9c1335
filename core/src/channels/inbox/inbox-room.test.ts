import type { Inbound } from "openclaw-host-sdk";
import { isReceiveError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { createProblems, type Problems } from "../../base/problems.ts";
import { openTestStore, silentLog, type TestStore } from "../../store/test-store.ts";
import { type Inbox, openInbox } from "./inbox.ts";

const HOUR_MS = 3_600_000;
const SCOPE = { channel: "x", account: "a", lease: "bot", windowMs: HOUR_MS };

let store: TestStore;
let clock: FakeClock;
let problems: Problems;
let inbox: Inbox;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  problems = createProblems(clock);
  inbox = await openInbox({ store, clock, log: silentLog, problems, maxRows: 3, onRecorded: () => {} });
});
afterEach(async () => {
  inbox.close();
  await store.dispose();
});

const message = (eventId: string): Inbound => ({
  type: "message",
  eventId,
  at: 1,
  messageId: eventId,
  peer: { kind: "dm", id: eventId },
  from: { id: eventId },
  body: { text: eventId },
});
const receive = (...ids: string[]) => inbox.receive(SCOPE, ids.map(message), { cursor: ids.at(-1) ?? "none" });
const refusal = (error: unknown) => (isReceiveError(error) ? "refused" : error);
async function workOff(): Promise<void> {
  for (let [claim] = await inbox.claim(); claim !== undefined; [claim] = await inbox.claim()) {
    await store.run("inbox.close", { ids: claim.ids, state: "done", reason: "", at: clock.now() });
  }
}

describe("a full inbox", () => {
  it("takes nothing and keeps the cursor, says why, and drops no row that the platform may repeat", async () => {
    await receive("1", "2", "3");
    await workOff();
    await clock.advance(HOUR_MS / 2);
    expect(await receive("4").catch(refusal)).toBe("refused");
    expect(await inbox.cursor(SCOPE)).toBe("3");
    expect(problems.list()).toMatchObject([{ part: "inbox", reason: expect.stringContaining("inbox is full") }]);
    expect(await store.run("inbox.size", {})).toBe(3);
  });

  it("makes room once events cannot come again, and clears the problem", async () => {
    await receive("1", "2");
    await workOff();
    await receive("open");
    expect(await receive("4").catch(refusal)).toBe("refused");
    await clock.advance(HOUR_MS);
    expect(await receive("4", "5")).toEqual([{ outcome: "stored" }, { outcome: "stored" }]);
    expect(problems.list()).toEqual([]);
    expect(await receive("6").catch(refusal)).toBe("refused");
    expect((await inbox.claim())[0]?.events[0]?.eventId).toBe("open");
  });

  it("is well again once upkeep has removed rows", async () => {
    await receive("1", "2", "3");
    expect(await receive("4").catch(refusal)).toBe("refused");
    inbox.noteRemoved(1);
    expect(problems.list()).toEqual([]);
    expect(await receive("4")).toEqual([{ outcome: "stored" }]);
  });

  it("counts no duplicates and takes a cursor without events", async () => {
    await receive("1", "2");
    expect(await receive("1")).toEqual([{ outcome: "duplicate" }]);
    await receive("3");
    await receive();
    expect(await inbox.cursor(SCOPE)).toBe("none");
  });
});

describe("upkeep of the inbox", () => {
  const tidy = (before: number) => store.run("upkeep.inbox", { after: 0, limit: 100, before, now: clock.now() });

  it("keeps ended rows inside the window however short the ledger is kept, and open rows for ever", async () => {
    await receive("1");
    await workOff();
    await receive("open");
    await clock.advance(HOUR_MS - 1);
    expect(await tidy(clock.now())).toEqual({ removed: 0 });
    expect(await receive("1")).toEqual([{ outcome: "duplicate" }]);
    await clock.advance(1);
    expect(await tidy(clock.now())).toEqual({ removed: 1 });
    expect(await store.run("inbox.size", {})).toBe(1);
  });

  it("goes on where the step before ended", async () => {
    await receive("1", "2", "3");
    await workOff();
    await clock.advance(HOUR_MS);
    const step = { limit: 2, before: clock.now(), now: clock.now() };
    const first = await store.run("upkeep.inbox", { ...step, after: 0 });
    expect(first).toEqual({ removed: 2, next: 2 });
    expect(await store.run("upkeep.inbox", { ...step, after: first.next ?? 0 })).toEqual({ removed: 1 });
  });
});

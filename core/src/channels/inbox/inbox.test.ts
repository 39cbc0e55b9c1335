import { type Inbound, isReceiveError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { openTestStore, silentLog, type TestStore } from "../../store/test-store.ts";
import { type Inbox, openInbox } from "./inbox.ts";

type Message = Extract<Inbound, { type: "message" }>;

const SCOPE = { channel: "x", account: "a", lease: "bot" };

function message(eventId: string, over: Partial<Message> = {}): Inbound {
  const base = { type: "message", eventId, at: 1, peer: { kind: "dm", id: "42" }, from: { id: "42" } } as const;
  return { ...base, messageId: `m-${eventId}`, body: { text: `text ${eventId}` }, ...over };
}

describe("the inbox", () => {
  let store: TestStore;
  let clock: FakeClock;
  let inbox: Inbox;
  let recorded = 0;

  const open = () => openInbox({ store, clock, log: silentLog, onRecorded: () => (recorded += 1) });

  beforeEach(async () => {
    store = await openTestStore();
    clock = createFakeClock();
    recorded = 0;
    inbox = await open();
  });
  afterEach(async () => {
    inbox.close();
    await store.dispose();
  });

  const receive = (...batch: Inbound[]) => inbox.receive(SCOPE, batch, {});
  const claimed = async () => (await inbox.claim())[0]?.events.map((event) => event.eventId);
  const states = async () =>
    Object.fromEntries((await store.run("ledger.counts", {})).map((row) => [row.state, row.count]));

  it("stores an event once, however often and in whichever batch the platform delivers it", async () => {
    expect(await receive(message("1"), message("1"), message("2"))).toEqual([
      { outcome: "stored" },
      { outcome: "duplicate" },
      { outcome: "stored" },
    ]);
    expect(await receive(message("2"))).toEqual([{ outcome: "duplicate" }]);
    expect(await inbox.receive({ ...SCOPE, lease: "other" }, [message("2")], {})).toEqual([{ outcome: "stored" }]);
  });

  it("commits the cursor with the events, and alone when the batch is empty", async () => {
    expect(await inbox.cursor(SCOPE)).toBeUndefined();
    await inbox.receive(SCOPE, [message("1")], { cursor: "10" });
    expect(await inbox.cursor(SCOPE)).toBe("10");
    await inbox.receive(SCOPE, [], { cursor: "11" });
    expect(await inbox.cursor(SCOPE)).toBe("11");
    expect(await inbox.cursor({ ...SCOPE, lease: "other" })).toBeUndefined();
  });

  it("calls for a turn for new messages of others only", async () => {
    await receive(message("1", { self: true }), { ...message("2"), type: "delete" } as Inbound);
    expect(recorded).toBe(0);
    expect(await states()).toEqual({ done: 2 });
    await receive(message("3"));
    await receive(message("3"));
    expect(recorded).toBe(1);
  });

  it("runs one conversation in order and others beside it", async () => {
    const other = { peer: { kind: "dm", id: "7" } } as const;
    await receive(
      message("1"),
      message("2"),
      message("3", other),
      message("4", { peer: { kind: "dm", id: "42", threadId: "t" } }),
    );
    const [first] = await inbox.claim();
    expect(first?.events[0]?.eventId).toBe("1");
    expect(await claimed()).toEqual(["3"]);
    expect(await claimed()).toEqual(["4"]);
    expect(await claimed()).toBeUndefined();
    await inbox.refuse(first!.ids, "not now");
    expect(await claimed()).toEqual(["2"]);
  });

  it("joins an album once its newest piece is a second old", async () => {
    const piece = (id: string) => message(id, { body: { text: id, group: "g" } });
    await receive(piece("1"), piece("2"));
    expect(await claimed()).toBeUndefined();
    await clock.advance(900);
    await receive(piece("3"), message("4"));
    await clock.advance(900);
    expect(await claimed()).toBeUndefined();
    const before = recorded;
    await clock.advance(200);
    expect(recorded).toBeGreaterThan(before);
    const [album] = await inbox.claim();
    expect(album?.events.map((event) => event.eventId)).toEqual(["1", "2", "3"]);
    await inbox.park(album!.ids, "checked");
    expect(await claimed()).toEqual(["4"]);
  });

  it("waits for an album no longer than two seconds", async () => {
    const piece = (id: string) => message(id, { body: { text: id, group: "g" } });
    for (const id of ["1", "2", "3"]) {
      await receive(piece(id));
      await clock.advance(700);
    }
    expect(await claimed()).toEqual(["1", "2", "3"]);
  });

  describe("with a debounce", () => {
    const from = (id: string, sender: string, more: Partial<Message> = {}) =>
      message(id, { from: { id: sender }, ...more });
    beforeEach(async () => {
      inbox.close();
      inbox = await openInbox({ store, clock, log: silentLog, debounceMs: 500, onRecorded: () => (recorded += 1) });
    });

    it("joins what one sender says in one breath, and nothing that comes after", async () => {
      await receive(from("1", "a"));
      await clock.advance(400);
      await receive(from("2", "a"));
      await clock.advance(400);
      expect(await claimed()).toBeUndefined();
      await clock.advance(100);
      const [burst] = await inbox.claim();
      expect(burst?.events.map(({ eventId }) => eventId)).toEqual(["1", "2"]);
      await receive(from("3", "a"));
      await inbox.park(burst!.ids, "checked");
      expect(await claimed()).toBeUndefined();
      await clock.advance(500);
      expect(await claimed()).toEqual(["3"]);
    });

    it("keeps the order of a conversation, and senders, commands and mentions apart", async () => {
      const group = { peer: { kind: "group", id: "g" } } as const;
      await receive(
        from("1", "a", group),
        from("2", "a", group),
        from("3", "b", group),
        from("4", "a", group),
        from("5", "a", { ...group, mentionedMe: true }),
        from("6", "a", { ...group, body: { text: "/new" } }),
      );
      await clock.advance(5_000);
      const turns: string[][] = [];
      for (let [claim] = await inbox.claim(); claim !== undefined; [claim] = await inbox.claim()) {
        turns.push(claim.events.map(({ eventId }) => eventId));
        await inbox.park(claim.ids, "checked");
      }
      expect(turns).toEqual([["1", "2"], ["3"], ["4"], ["5"], ["6"]]);
    });

    it("does not wait for ever for somebody who never pauses", async () => {
      for (let id = 1; id <= 13; id += 1) {
        await receive(from(String(id), "a"));
        await clock.advance(400);
      }
      expect(await claimed()).toHaveLength(13);
    });
  });

  it("gives rows back for later, and parks a message whose own attempts never end", async () => {
    await receive(message("1"), message("2"));
    const counted = [false, true, true, false, true, true, true];
    for (const [index, counts] of counted.entries()) {
      const [claim] = await inbox.claim();
      const attempts = counted.slice(0, index).filter(Boolean).length;
      expect(claim).toMatchObject({ attempts, events: [{ eventId: "1" }] });
      await inbox.retry(claim!.ids, { reason: "try again", delayMs: 1_000, counts });
      expect(await claimed()).toBeUndefined();
      await clock.advance(1_000);
    }
    expect(await claimed()).toEqual(["2"]);
    expect(await states()).toMatchObject({ parked: 1, running: 1 });
  });

  it("takes many at once, one of each conversation, the earliest over all accounts first", async () => {
    const account = { ...SCOPE, account: "b", lease: "other" };
    for (let index = 0; index < 40; index += 1) {
      // By turns many of one account and few of the other, so that no page of an account has its even share.
      const scope = index % 10 === 0 ? account : SCOPE;
      await inbox.receive(scope, [message(String(index), { peer: { kind: "dm", id: String(index) } })], {});
      await clock.advance(1);
    }
    await receive(message("second", { peer: { kind: "dm", id: "1" } }));
    const accounts = () => [account, SCOPE];
    const both = await openInbox({ store, clock, log: silentLog, onRecorded: () => {}, accounts });
    const taken: string[] = [];
    for (let hand = await both.claim(7); hand.length > 0; hand = await both.claim(7)) {
      expect(hand.length).toBeLessThanOrEqual(7);
      taken.push(...hand.map(({ events }) => events[0]!.eventId));
    }
    expect(taken).toEqual(Array.from({ length: 40 }, (_, index) => String(index)));
  });

  it("takes no more at once than fits in memory, and always something", async () => {
    const from = (id: string) => message(id, { peer: { kind: "dm", id }, body: { text: "x".repeat(900_000) } });
    for (let id = 0; id < 8; id += 1) await receive(from(String(id)));
    expect(await inbox.claim(100)).toHaveLength(5);
    expect(await inbox.claim(100)).toHaveLength(3);
  });

  it("takes messages of reachable accounts only", async () => {
    await receive(message("1"));
    const reachable: { channel: string; account: string }[] = [];
    const picky = await openInbox({ store, clock, log: silentLog, onRecorded: () => {}, accounts: () => reachable });
    expect(await picky.claim()).toEqual([]);
    reachable.push({ channel: "x", account: "b" }, { channel: "x", account: "a" });
    expect((await picky.claim())[0]?.events[0]?.eventId).toBe("1");
  });

  it("answers a refused sender once, in the transaction that closes the row", async () => {
    const answer = (deliveryId: string) => ({
      channel: "x",
      account: "a",
      sender: "42",
      intents: [
        {
          deliveryId,
          channel: "x",
          account: "a",
          lane: "l",
          at: 1,
          part: { index: 0, of: 1, text: "no" },
          outbound: { type: "message", to: { kind: "dm", id: "42" }, body: { text: "no" } } as const,
        },
      ],
    });
    await receive(message("1"), message("2"));
    const [first] = await inbox.claim();
    expect(await inbox.refuse(first!.ids, "stranger", answer("d1"))).toBe(true);
    const [second] = await inbox.claim();
    expect(await inbox.refuse(second!.ids, "stranger", answer("d2"))).toBe(false);
    expect(await states()).toEqual({ refused: 2, queued: 1 });
    expect(await store.run("ledger.outcome", { deliveryId: "d2" })).toBeUndefined();
  });

  it("says where a guest's event is not valid, and stores nothing of its batch", async () => {
    const bad = (event: unknown) => inbox.receive(SCOPE, [message("1"), event as Inbound], { cursor: "9" });
    await expect(bad({ ...message("2"), peer: { kind: "dm" } })).rejects.toThrow(
      "event 2 of 2 is not valid: at /peer: must have required property 'id'",
    );
    await expect(bad({ ...message("2"), type: "nonsense" })).rejects.toThrow("needs a type, one of message, edit");
    await expect(bad({ ...message("2"), messageId: "ä".repeat(300) })).rejects.toThrow("longer than 512 bytes");
    await expect(bad({ ...message("2"), eventId: "\ud800" })).rejects.toThrow("not well-formed Unicode");
    await expect(bad({ ...message("2"), eventId: "a\nb" })).rejects.toThrow("at /eventId");
    await expect(bad({ ...message("2"), body: { text: "x".repeat(1_000_001) } })).rejects.toThrow("at /body/text");
    await expect(inbox.receive(SCOPE, [], { cursor: 5 as never })).rejects.toThrow("a cursor is a string");
    expect(await states()).toEqual({});
    expect(await inbox.cursor(SCOPE)).toBeUndefined();
  });

  it("keeps a text with broken surrogates as it came", async () => {
    await receive(message("1", { body: { text: "a\ud800b\u0000c" } }));
    expect((await inbox.claim())[0]?.events[0]).toMatchObject({ body: { text: "a\ud800b\u0000c" } });
  });

  it("asks the platform to keep what cannot be stored", async () => {
    await store.close();
    const error = await receive(message("1")).catch((reason: unknown) => reason);
    expect(isReceiveError(error)).toBe(true);
  });

  it("finds the next row fast behind a long backlog of a busy conversation", async () => {
    for (let batch = 0; batch < 10; batch += 1) {
      await receive(...Array.from({ length: 1_000 }, (_, index) => message(`${batch}-${index}`)));
    }
    expect(await claimed()).toEqual(["0-0"]);
    await receive(message("other", { peer: { kind: "dm", id: "7" } }));
    const startedAt = performance.now();
    expect(await claimed()).toEqual(["other"]);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});

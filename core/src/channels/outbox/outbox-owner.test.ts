import { type Receipt, SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deliveryId } from "../../base/brand.ts";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { openTestStore, type TestStore } from "../../store/test-store.ts";
import { accountState } from "../snapshot.ts";
import type { DeliveryTarget } from "../policy/route.ts";
import { openTestChannels, type TestChannels, type TestPort, createTestPort } from "../test-port.ts";

const to = (id: string, account = "default"): DeliveryTarget => ({
  channel: "test",
  account,
  peer: { kind: "dm", id },
});

const THREE_PARTS = "first part of it. second part of it. third";

describe("what is left to the owner of the outbox", () => {
  let channels: TestChannels;
  let port: TestPort;
  /** What the platform does with the parts whose text is a key here; it takes all others. */
  let faults: Record<string, () => Promise<Receipt>>;

  async function open(
    section: Record<string, unknown> = { test: {} },
    existing?: { store: TestStore; clock: FakeClock },
  ): Promise<void> {
    channels = await openTestChannels(section, existing);
    port = createTestPort();
    const send = port.behaviour.send;
    port.behaviour.send = (part, call) => faults[part.part.text ?? ""]?.() ?? send(part, call);
    channels.register(port);
    await channels.until(() => port.links.length > 0);
  }
  beforeEach(() => {
    faults = {};
  });
  afterEach(() => channels.dispose());

  const fail = (fate: SendError["data"]["fate"], message: string) => () =>
    Promise.reject(new SendError(message, { fate, scope: "message" }));
  async function enqueue(id: string, text: string, target = to("1")): Promise<void> {
    await channels.outbox.enqueue(await channels.plan(target, { text }, { deliveryId: deliveryId(id) }));
  }
  const outcome = (id: string) => channels.store.run("ledger.outcome", { deliveryId: id });
  const settled = async (id: string) => {
    await channels.until(async () => (await outcome(id))?.final === true);
    return outcome(id);
  };
  const keys = () => port.sent.map(({ key }) => key);
  const news = () => channels.published.filter(([event]) => event === "delivery").map(([, payload]) => payload);

  it("tells of a parked part with the one command that sends it again, and then does what it says", async () => {
    await open();
    faults["hi"] = fail("unknown", "reset");
    await enqueue("a", "hi");
    expect(await settled("a")).toMatchObject({ state: "unknown", reason: "reset" });
    const state = () => accountState(channels.accounts.list()[0]!);
    await channels.until(() => state().reason !== undefined);
    expect(state()).toMatchObject({
      state: "ready",
      connected: true,
      fix: "to send it again: openclaw delivery retry a",
    });
    expect(news()).toMatchObject([
      { deliveryId: "a", state: "unknown", fix: "openclaw delivery retry a", part: 0, of: 1 },
    ]);
    faults = {};
    expect(await channels.outbox.retry("a")).toEqual({ parts: 1, sending: false });
    await channels.until(async () => (await outcome("a"))?.state === "sent");
    await channels.until(() => state().reason === undefined);
    expect(news()).toMatchObject([{ state: "unknown" }, { state: "sent", messageIds: ["sent-1"] }]);
    expect(port.sent.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it("knows after a restart what was parked before", async () => {
    await open();
    faults["hi"] = fail("unknown", "reset");
    await enqueue("a", "hi");
    await settled("a");
    const { store, clock } = channels;
    const next = await openTestChannels({ test: {} }, { store, clock });
    expect(next.outbox.parked({ channel: "test", account: "default" })).toMatchObject({ count: 1, deliveryId: "a" });
    await next.close();
  });

  it("sends again by itself where the owner wants that, and parks what stays unknown", async () => {
    await open({ test: { onUnknown: "resend" } });
    let failures = 2;
    faults["hi"] = () =>
      failures-- > 0 ? fail("unknown", "reset")() : Promise.resolve({ ids: ["there"], at: 1, peer: to("1").peer });
    await enqueue("a", "hi");
    await channels.advanceUntil(async () => (await outcome("a"))?.state === "sent", 1_000);
    expect(port.sent).toHaveLength(3);
    faults["never"] = fail("unknown", "reset");
    await enqueue("b", "never");
    await channels.advanceUntil(async () => (await outcome("b"))?.final === true, 60_000);
    expect(await outcome("b")).toMatchObject({ state: "unknown" });
    expect(keys().filter((key) => key === "b/0")).toHaveLength(12);
  });

  it("resumes a message at its first unsent part, before whatever was queued behind it", async () => {
    await open();
    faults["second part of it."] = fail("rejected", "no");
    await enqueue("a", THREE_PARTS);
    expect(await settled("a")).toMatchObject({ state: "dead", reason: "no" });
    let release = () => {};
    faults["busy"] = () =>
      new Promise((resolve) => {
        release = () => resolve({ ids: ["busy"], at: 1, peer: to("1").peer });
      });
    await enqueue("b", "busy");
    await enqueue("c", "last");
    await channels.until(() => keys().includes("b/0"));
    delete faults["second part of it."];
    expect(await channels.outbox.retry("a")).toEqual({ parts: 2, sending: false });
    release();
    expect(await settled("c")).toMatchObject({ state: "sent" });
    expect(keys()).toEqual(["a/0", "a/1", "b/0", "a/1", "a/2", "c/0"]);
  });

  it("resumes at the first unsent part after a restart", async () => {
    await open();
    faults["second part of it."] = fail("not-sent", "down");
    await enqueue("a", THREE_PARTS);
    await channels.until(async () => (await outcome("a"))?.state === "retry");
    await channels.close();
    const { store, clock } = channels;
    const next = await openTestChannels({ test: {} }, { store, clock });
    const revived = createTestPort();
    next.register(revived);
    await next.advanceUntil(async () => (await outcome("a"))?.state === "sent", 500);
    expect(revived.sent.map(({ key }) => key)).toEqual(["a/1", "a/2"]);
    await next.close();
  });

  it("gives a part that was given up a new budget of attempts", async () => {
    await open();
    faults["hi"] = fail("not-sent", "down");
    await enqueue("a", "hi");
    await channels.advanceUntil(async () => (await outcome("a"))?.final === true, 60_000);
    await channels.outbox.retry("a");
    await channels.advanceUntil(async () => (await outcome("a"))?.final === true, 60_000);
    expect(await outcome("a")).toMatchObject({ state: "dead", reason: "gave up after 12 attempts: down" });
    expect(port.sent.at(-1)?.attempt).toBe(24);
  });

  it("drops what was not sent and goes on with the conversation", async () => {
    await open();
    faults["first part of it."] = fail("not-sent", "down");
    await enqueue("a", THREE_PARTS);
    await enqueue("b", "after");
    await channels.until(async () => (await outcome("a"))?.state === "retry");
    const waiting = channels.outbox.settled("a", 15_000);
    expect(await channels.outbox.drop("a")).toEqual({ parts: 3, sending: false });
    expect(await waiting).toMatchObject({ state: "dead", reason: "dropped by the owner" });
    expect(await settled("b")).toMatchObject({ state: "sent" });
    expect(await channels.outbox.drop("a")).toEqual({ parts: 0, sending: false });
    expect(await channels.outbox.drop("nothing")).toBeUndefined();
    expect(await channels.outbox.retry("nothing")).toBeUndefined();
  });

  it("decides nothing on a part that is on its way", async () => {
    await open();
    faults["hi"] = () => new Promise(() => {});
    await enqueue("a", "hi");
    await channels.until(async () => (await outcome("a"))?.state === "sending");
    expect(await channels.outbox.drop("a")).toEqual({ parts: 0, sending: true });
    expect(await channels.outbox.retry("a")).toEqual({ parts: 0, sending: true });
  });

  describe("receipts", () => {
    /** Sends a part that is answered only when the result is called. */
    async function sendSlowly(id: string): Promise<(ids: string[]) => void> {
      const answers: ((receipt: Receipt) => void)[] = [];
      faults["slow"] = () => new Promise((resolve) => answers.push(resolve));
      await enqueue(id, "slow");
      await channels.advanceUntil(async () => (await outcome(id))?.final === true, 10_000);
      expect(await outcome(id)).toMatchObject({ state: "unknown" });
      return (ids) => answers.shift()?.({ ids, at: 1, peer: to("1").peer });
    }

    it("settle a parked part when they come late", async () => {
      await open();
      const answer = await sendSlowly("a");
      answer(["late"]);
      await channels.until(async () => (await outcome("a"))?.state === "sent");
      expect(await outcome("a")).toMatchObject({ receipts: [{ ids: ["late"] }] });
      await channels.until(() => channels.outbox.parked(to("1")) === undefined);
    });

    it("keep a part from being sent twice when they come before the owner's retry is", async () => {
      await open();
      const answer = await sendSlowly("a");
      let free = () => {};
      faults["busy"] = () =>
        new Promise((resolve) => {
          free = () => resolve({ ids: ["busy"], at: 1, peer: to("1").peer });
        });
      await enqueue("b", "busy");
      await channels.until(() => keys().includes("b/0"));
      await channels.outbox.retry("a");
      answer(["late"]);
      await channels.until(async () => (await outcome("a"))?.state === "sent");
      await enqueue("c", "after");
      free();
      expect(await settled("c")).toMatchObject({ state: "sent" });
      expect(keys()).toEqual(["a/0", "b/0", "c/0"]);
    });

    it("of an earlier attempt change nothing once the part was sent again", async () => {
      await open();
      const answer = await sendSlowly("a");
      delete faults["slow"];
      await channels.outbox.retry("a");
      await channels.until(async () => (await outcome("a"))?.state === "sent");
      answer(["late"]);
      const known = () => channels.store.run("ledger.delivery", { deliveryId: "a" });
      await enqueue("b", "after");
      await settled("b");
      expect((await known())?.parts).toMatchObject([{ state: "sent", receipt: { ids: ["sent-1"] }, attempts: 2 }]);
    });

    it("that name the same message twice settle both parts", async () => {
      await open();
      const same = () => Promise.resolve({ ids: ["same"], at: 1, peer: to("1").peer });
      faults = { one: same, two: same };
      await enqueue("a", "one");
      await enqueue("b", "two");
      expect(await settled("a")).toMatchObject({ state: "sent", receipts: [{ ids: ["same"] }] });
      expect(await settled("b")).toMatchObject({ state: "sent", receipts: [{ ids: ["same"] }] });
    });

    it("without ids leave the part to a channel that can tell, and park it only when that cannot", async () => {
      await open();
      faults["hi"] = () => Promise.resolve({ ids: [], at: 1, peer: to("1").peer });
      await enqueue("a", "hi");
      expect(await settled("a")).toMatchObject({ state: "unknown", final: true });
    });
  });

  describe("given up while the platform is asked about it", () => {
    const there: Receipt = { ids: ["there"], at: 1, peer: to("1").peer };

    /** A part that is being asked about; the answer comes when the test says so. */
    async function asked(): Promise<(answer: Receipt | "absent") => void> {
      const { promise, resolve } = Promise.withResolvers<Receipt | "absent">();
      await open();
      let questions = 0;
      port.behaviour.reconcile = () => {
        questions += 1;
        return promise;
      };
      port.links[0]!.close({ retry: "now", code: "x", detail: "x" });
      await channels.advanceUntil(() => port.links.length === 2, 500);
      faults["hi"] = fail("unknown", "reset");
      await enqueue("a", "hi");
      await channels.until(() => questions === 1);
      delete faults["hi"];
      return resolve;
    }

    it("is known to be there when the answer says so", async () => {
      const answer = await asked();
      expect(await channels.outbox.drop("a")).toEqual({ parts: 1, sending: false });
      expect(await outcome("a")).toMatchObject({ state: "dead", reason: "dropped by the owner" });
      answer(there);
      await channels.until(async () => (await outcome("a"))?.state === "sent");
      expect(await outcome("a")).toMatchObject({ receipts: [there] });
    });

    it("stays given up when the platform does not have it, and its conversation goes on meanwhile", async () => {
      const answer = await asked();
      await enqueue("b", "behind it");
      await channels.outbox.drop("a");
      expect(await settled("b")).toMatchObject({ state: "sent" });
      answer("absent");
      await channels.outbox.idle(1_000);
      expect(await outcome("a")).toMatchObject({ state: "dead", reason: "dropped by the owner" });
      expect(keys()).toEqual(["a/0", "b/0"]);
    });
  });

  it("sends no more a second than the owner allows, over all conversations", async () => {
    await open({ test: { sendsPerSecond: 2 } });
    for (let index = 0; index < 5; index += 1) await enqueue(`d${index}`, "hi", to(String(index)));
    await channels.until(() => port.sent.length === 2);
    await channels.clock.advance(499);
    expect(port.sent).toHaveLength(2);
    await channels.advanceUntil(() => port.sent.length === 3, 1);
    await channels.advanceUntil(() => port.sent.length === 5, 500);
    expect(await settled("d4")).toMatchObject({ state: "sent" });
  });

  describe("when the clock jumps by a year", () => {
    const YEAR_MS = 365 * 86_400_000;

    it("back, keeps every wait as long as it was meant to be", async () => {
      const store = await openTestStore();
      const clock = createFakeClock();
      let behind = 0;
      const jumping = { ...clock, now: () => clock.now() - behind };
      await open({ test: {} }, { store, clock: jumping });
      faults["hi"] = () =>
        Promise.reject(new SendError("later", { fate: "not-sent", scope: "peer", retryAfterMs: 60_000 }));
      await enqueue("a", "hi");
      await enqueue("b", "behind it");
      await channels.until(async () => (await outcome("a"))?.state === "retry");
      faults = {};
      behind = YEAR_MS;
      await clock.advance(50_000);
      expect(keys()).toEqual(["a/0"]);
      await channels.advanceUntil(async () => (await outcome("b"))?.state === "sent", 500);
      expect(keys()).toEqual(["a/0", "a/0", "b/0"]);
      expect(clock.now() - 1_700_000_000_000).toBeLessThan(90_000);
    });

    it("back while the gateway was down, sends at once what would wait for longer than anything may", async () => {
      await open();
      await channels.close();
      await enqueue("a", "hi");
      const { store, clock } = channels;
      const next = await openTestChannels(
        { test: {} },
        { store, clock: { ...clock, now: () => clock.now() - YEAR_MS } },
      );
      const revived = createTestPort();
      next.register(revived);
      await next.until(async () => (await outcome("a"))?.state === "sent");
      await next.close();
    });

    it("forth, sends what waited and keeps the order", async () => {
      const store = await openTestStore();
      const clock = createFakeClock();
      let ahead = 0;
      await open({ test: {} }, { store, clock: { ...clock, now: () => clock.now() + ahead } });
      faults["hi"] = fail("not-sent", "down");
      await enqueue("a", "hi");
      await enqueue("b", "behind it");
      await channels.until(async () => (await outcome("a"))?.state === "retry");
      faults = {};
      ahead = YEAR_MS;
      await channels.advanceUntil(async () => (await outcome("b"))?.state === "sent", 500);
      expect(keys()).toEqual(["a/0", "a/0", "b/0"]);
    });
  });

  it("rests over a reconnection when the platform asked for it", async () => {
    await open();
    faults["hi"] = () =>
      Promise.reject(new SendError("429", { fate: "not-sent", scope: "account", retryAfterMs: 60_000 }));
    await enqueue("a", "hi");
    await channels.until(async () => (await outcome("a"))?.state === "retry");
    faults = {};
    port.links[0]!.close({ retry: "now", code: "lost", detail: "lost" });
    await channels.advanceUntil(() => port.links.length === 2, 1);
    await enqueue("b", "other", to("2"));
    await channels.clock.advance(59_000);
    expect(keys()).toEqual(["a/0"]);
    await channels.advanceUntil(async () => (await outcome("b"))?.state === "sent", 500);
  });
});

import { SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deliveryId } from "../../base/brand.ts";
import type { DeliveryTarget } from "../policy/route.ts";
import { openTestChannels, type TestChannels, type TestPort, createTestPort } from "../test-port.ts";

const to = (id: string, account = "default"): DeliveryTarget => ({
  channel: "test",
  account,
  peer: { kind: "dm", id },
});

describe("the outbox", () => {
  let channels: TestChannels;
  let port: TestPort;

  beforeEach(async () => {
    channels = await openTestChannels({ test: {} });
    port = createTestPort();
  });
  afterEach(() => channels.dispose());

  async function enqueue(id: string, text: string, target = to("1")): Promise<void> {
    await channels.outbox.enqueue(await channels.plan(target, { text }, { deliveryId: deliveryId(id) }));
  }
  const connect = () => {
    channels.register(port);
    return channels.until(() => port.links.length > 0);
  };
  const outcome = async (id: string) => channels.store.run("ledger.outcome", { deliveryId: id });
  const stateOf = async (id: string) => (await outcome(id))?.state;
  const texts = () => port.sent.map(({ part }) => part.text);
  const fail =
    (data: SendError["data"], message = "no") =>
    () =>
      Promise.reject(new SendError(message, data));

  it("sends the parts of a message in order and tells their receipts", async () => {
    await connect();
    await enqueue("d", "first part of it. second part of it. third");
    const done = await channels.outbox.settled("d", 15_000);
    expect(done).toMatchObject({ state: "sent", final: true });
    expect(texts()).toEqual(["first part of it.", "second part of it.", "third"]);
    expect(done.receipts.map((receipt) => receipt.ids)).toEqual([["sent-1"], ["sent-2"], ["sent-3"]]);
    expect(port.sent.map(({ key, attempt }) => [key, attempt])).toEqual([
      ["d/0", 1],
      ["d/1", 1],
      ["d/2", 1],
    ]);
  });

  it("keeps what is queued until the account is connected", async () => {
    channels.register(port);
    await channels.until(() => port.links.length > 0);
    port.links[0]!.close({ retry: "backoff", code: "lost", detail: "lost" });
    await channels.until(() => channels.accounts.list()[0]?.facts?.state.phase === "waiting");
    await enqueue("d", "hi");
    expect(await stateOf("d")).toBe("queued");
    await channels.advanceUntil(async () => (await stateOf("d")) === "sent", 500);
    expect(port.links).toHaveLength(2);
  });

  it("stores an intent once", async () => {
    await connect();
    await enqueue("d", "hi");
    await channels.outbox.settled("d", 1_000);
    await enqueue("d", "hi");
    expect(await channels.outbox.settled("d", 1_000)).toMatchObject({ state: "sent" });
    expect(port.sent).toHaveLength(1);
  });

  it("keeps the order of a conversation across retries while others go on", async () => {
    let failures = 2;
    const send = port.behaviour.send;
    port.behaviour.send = (part, call) =>
      part.outbound.to.id === "1" && failures-- > 0
        ? Promise.reject(new SendError("busy", { fate: "not-sent", scope: "message" }))
        : send(part, call);
    await connect();
    await enqueue("a", "one");
    await enqueue("b", "two");
    await enqueue("c", "elsewhere", to("2"));
    await channels.until(async () => (await stateOf("c")) === "sent");
    expect(await stateOf("b")).toBe("queued");
    await channels.advanceUntil(async () => (await stateOf("b")) === "sent", 200);
    expect(texts().filter((text) => text !== "elsewhere")).toEqual(["one", "one", "one", "two"]);
    expect(port.sent.filter(({ key }) => key === "a/0").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it("waits at least as long as the platform asks for", async () => {
    const send = port.behaviour.send;
    port.behaviour.send = fail({ fate: "not-sent", scope: "peer", retryAfterMs: 60_000 });
    await connect();
    await enqueue("d", "hi");
    await channels.until(async () => (await stateOf("d")) === "retry");
    port.behaviour.send = send;
    await channels.clock.advance(59_000);
    expect(port.sent).toHaveLength(1);
    await channels.advanceUntil(async () => (await stateOf("d")) === "sent", 500);
  });

  it("gives up a part that is never sent, with the parts after it", async () => {
    port.behaviour.send = fail({ fate: "not-sent", scope: "message" }, "down");
    await connect();
    await enqueue("d", "first part of it. second part of it.");
    await enqueue("e", "next");
    await channels.advanceUntil(async () => (await stateOf("d")) === "dead", 60_000);
    expect(await outcome("d")).toMatchObject({ final: true, reason: "gave up after 12 attempts: down" });
    expect(port.sent.filter(({ key }) => key === "d/1")).toEqual([]);
    expect((await channels.ledger.delivery("d"))?.parts[1]).toMatchObject({
      state: "dead",
      reason: "part 1 of 2 could not be sent",
    });
  });

  it("buries what the platform rejects and goes on with the conversation", async () => {
    const send = port.behaviour.send;
    port.behaviour.send = (part, call) =>
      part.part.text === "bad" ? fail({ fate: "rejected", scope: "message" }, "too bad")() : send(part, call);
    await connect();
    await enqueue("a", "bad");
    await enqueue("b", "good");
    expect(await channels.outbox.settled("b", 10_000)).toMatchObject({ state: "sent" });
    expect(await outcome("a")).toMatchObject({ state: "dead", reason: "too bad", final: true });
  });

  it.each(["not-sent", "rejected"] as const)(
    "pauses the account and keeps its queue when the account fails (%s)",
    async (fate) => {
      const send = port.behaviour.send;
      port.behaviour.send = fail({ fate, scope: "account", retryAfterMs: 20_000 }, "401");
      await connect();
      await enqueue("a", "one");
      await channels.until(async () => (await stateOf("a")) === "retry");
      await enqueue("b", "two", to("2"));
      await channels.clock.advance(10_000);
      expect(port.sent).toHaveLength(1);
      expect(await stateOf("b")).toBe("queued");
      port.behaviour.send = send;
      await channels.advanceUntil(
        async () => (await stateOf("a")) === "sent" && (await stateOf("b")) === "sent",
        1_000,
      );
      expect(port.sent.find(({ key, attempt }) => key === "a/0" && attempt === 2)).toBeUndefined();
    },
  );

  it.each([
    ["the channel says so", fail({ fate: "unknown", scope: "message" }, "reset"), "reset"],
    ["the channel throws anything else", () => Promise.reject(new Error("guest is gone")), "guest is gone"],
    [
      "the receipt names no message",
      () => Promise.resolve({ ids: [], at: 1, peer: to("1").peer }),
      "confirmed the message without naming it",
    ],
    ["the receipt is no receipt", () => Promise.resolve(undefined as never), "confirmed the message without naming it"],
  ])("parks a part of unknown fate when %s, and goes on", async (_name, send, reason) => {
    const good = port.behaviour.send;
    port.behaviour.send = (part, call) => (part.part.text === "bad" ? send() : good(part, call));
    await connect();
    await enqueue("a", "bad");
    await enqueue("b", "good");
    expect(await channels.outbox.settled("b", 10_000)).toMatchObject({ state: "sent" });
    expect(await outcome("a")).toMatchObject({
      state: "unknown",
      final: true,
      reason: expect.stringContaining(reason),
    });
    expect(port.sent.filter(({ key }) => key === "a/0")).toHaveLength(1);
  });

  it("does not wait for a platform that never answers", async () => {
    let aborted = false;
    port.behaviour.send = (_part, call) =>
      new Promise(() => call.signal.addEventListener("abort", () => (aborted = true), { once: true }));
    await connect();
    await enqueue("a", "hang");
    await channels.advanceUntil(async () => (await stateOf("a")) === "unknown", 10_000);
    expect(aborted).toBe(true);
    expect(await outcome("a")).toMatchObject({ reason: "send did not answer within 60000 ms" });
  });

  it.each([
    ["found", async () => ({ ids: ["r1"], at: 1, peer: to("1").peer }), "sent", 1],
    ["absent", async () => "absent" as const, "sent", 2],
    ["never known", async () => "unknown" as const, "unknown", 1],
  ])("asks a channel that can tell about a part of unknown fate: %s", async (...[_name, reconcile, state, sends]) => {
    const send = port.behaviour.send;
    let first = true;
    port.behaviour.send = (part, call) => {
      if (!first) return send(part, call);
      first = false;
      return fail({ fate: "unknown", scope: "message" })();
    };
    port.behaviour.reconcile = reconcile;
    await connect();
    await enqueue("a", "hi");
    await enqueue("b", "after");
    await channels.advanceUntil(async () => (await outcome("b"))?.final === true, 5_000);
    expect(await outcome("a")).toMatchObject({ state, final: true });
    expect(texts()).toEqual([...Array.from({ length: sends }, () => "hi"), "after"]);
  });

  it("follows a conversation that moved", async () => {
    const send = port.behaviour.send;
    const moved = { kind: "group", id: "-100" } as const;
    port.behaviour.send = (part, call) =>
      part.outbound.to.id === "1" ? fail({ fate: "rejected", scope: "peer", movedTo: moved })() : send(part, call);
    await connect();
    await enqueue("a", "hi");
    expect(await channels.outbox.settled("a", 1_000)).toMatchObject({ state: "sent", receipts: [{ peer: moved }] });
  });

  it("does not know what became of a part that was being sent when the process ended", async () => {
    port.behaviour.send = () => new Promise(() => {});
    await connect();
    await enqueue("a", "hang");
    await enqueue("b", "queued");
    await channels.until(async () => (await stateOf("a")) === "sending");
    const { store, clock } = channels;
    const next = await openTestChannels({ test: {} }, { store, clock });
    expect(await stateOf("a")).toBe("unknown");
    const revived = createTestPort();
    next.register(revived);
    await next.until(async () => (await stateOf("b")) === "sent");
    expect(revived.sent.map(({ key }) => key)).toEqual(["b/0"]);
    expect(await outcome("a")).toMatchObject({ state: "unknown", final: true });
    await next.close();
  });

  it("sends at most four parts of an account side by side, whatever the number of conversations", async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    port.behaviour.send = async ({ outbound }) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => release.push(resolve));
      running -= 1;
      return { ids: ["x"], at: 1, peer: outbound.to };
    };
    await connect();
    for (let index = 0; index < 10; index += 1) await enqueue(`d${index}`, "hi", to(String(index)));
    await channels.until(() => release.length === 4);
    await channels.until(async () => {
      release.shift()?.();
      return (await stateOf("d9")) === "sent" && release.length === 0;
    });
    expect(most).toBe(4);
  });

  it("answers a waiter at its timeout with the state as it is", async () => {
    await connect();
    port.behaviour.send = () => new Promise(() => {});
    await enqueue("a", "hang");
    const waiting = channels.outbox.settled("a", 15_000);
    await channels.until(() => port.sent.length === 1);
    await channels.clock.advance(15_000);
    expect(await waiting).toMatchObject({ state: "sending", final: false });
    await expect(channels.outbox.settled("nothing", 1)).rejects.toThrow("no delivery nothing");
  });

  it("says that a message answers one of ours", async () => {
    await connect();
    await enqueue("a", "hi");
    await channels.outbox.settled("a", 1_000);
    const peer = to("1").peer;
    const event = (eventId: string, replyTo: string) =>
      ({
        type: "message",
        eventId,
        at: 1,
        peer,
        from: { id: "1" },
        messageId: eventId,
        body: { text: "re" },
        replyTo,
      }) as const;
    await port.links[0]!.doors.receive([event("1", "sent-1"), event("2", "other")], {});
    const [first] = await channels.inbox.claim();
    expect(first?.repliesToUs).toBe(true);
    await channels.inbox.park(first!.ids, "checked");
    expect((await channels.inbox.claim())[0]?.repliesToUs).toBe(false);
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import { type TestChannels, type TestPort, createTestPort, openTestChannels } from "../test-port.ts";

const NAME = { channel: "test", account: "default" };
const PEER = { kind: "dm", id: "42" } as const;

let channels: TestChannels;
let port: TestPort;
let self = "old-bot";

beforeEach(async () => {
  channels = await openTestChannels({ test: {} });
  port = createTestPort();
  self = "old-bot";
  port.behaviour.probe = async () => ({ ok: true, self: { id: self } });
});
afterEach(() => channels.dispose());

const connected = () => channels.until(() => channels.accounts.require(NAME).facts?.state.phase === "connected");

const message = (eventId: string) =>
  ({
    type: "message",
    eventId,
    at: 1,
    peer: PEER,
    from: { id: "42" },
    messageId: eventId,
    body: { text: "hi" },
  }) as const;

const intent = (deliveryId: string): OutboxIntent => ({
  deliveryId,
  ...NAME,
  lane: "test/default/42",
  outbound: { type: "message", to: PEER, body: { text: "hello" } },
  part: { index: 0, of: 1, text: "hello" },
  at: channels.clock.now(),
});

/** Ends the connection and connects again as somebody else, as after a change of the token. */
async function connectAs(id: string): Promise<void> {
  self = id;
  const links = port.links.length;
  port.links.at(-1)!.close({ retry: "backoff", code: "x", detail: "x" });
  await channels.advanceUntil(() => port.links.length > links, 500);
  await connected();
}

describe("another identity under the same label", () => {
  it("neither answers nor sends what was meant for the old one, and says what became of it", async () => {
    channels.register(port);
    await connected();
    await port.links[0]!.doors.receive([message("1"), message("2")], { cursor: "old-cursor" });
    port.behaviour.send = () => Promise.reject(new Error("must not be sent by anybody"));
    await channels.until(() => channels.accounts.find(NAME)?.facts?.state.phase === "connected");
    const sentBefore = port.sent.length;
    self = "new-bot";
    port.links[0]!.close({ retry: "backoff", code: "x", detail: "x" });
    await channels.until(() => channels.accounts.require(NAME).facts?.state.phase === "waiting");
    await channels.outbox.enqueue([intent("d1")]);
    await channels.advanceUntil(() => port.links.length === 2, 500);
    await connected();
    expect(await port.links[1]!.doors.cursor()).toBeUndefined();
    expect(await channels.outbox.settled("d1", 0)).toMatchObject({ final: true });
    expect(port.sent).toHaveLength(sentBefore);
    const claims = await channels.inbox.claim();
    expect([claims ?? []].flat()).toEqual([]);
    expect(await channels.ledger.counts()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...NAME, state: "parked", count: 2 }),
        expect.objectContaining({ ...NAME, state: "dead", count: 1 }),
      ]),
    );
  });

  it("sends a delivery of the old one when its owner says so", async () => {
    channels.register(port);
    await connected();
    port.links[0]!.close({ retry: "backoff", code: "x", detail: "x" });
    await channels.until(() => channels.accounts.require(NAME).facts?.state.phase === "waiting");
    await channels.outbox.enqueue([intent("d1")]);
    self = "new-bot";
    await channels.advanceUntil(() => port.links.length === 2, 500);
    await connected();
    expect(port.sent).toEqual([]);
    expect(await channels.outbox.retry("d1")).toMatchObject({ parts: 1 });
    await channels.until(() => port.sent.length === 1);
  });

  describe("that comes while a message is in hand", () => {
    const answer = (deliveryId: string) => ({ ...intent(deliveryId), runId: "r1" });

    /** Claims a message to the old one, accepts its run, and connects as the new one. */
    async function swapInHand(): Promise<void> {
      channels.register(port);
      await connected();
      await port.links[0]!.doors.receive([message("1")], { cursor: "c" });
      const [claim] = await channels.inbox.claim();
      await channels.store.run("runs.accept", {
        runId: "r1",
        door: "channel",
        identity: "test/default",
        digest: "d",
        sessionKey: sessionKey("agent:main:main"),
        sessionId: "s",
        agentId: "main",
        request: "{}",
        message: { id: "u1", message: { role: "user", content: "hi", timestamp: 1 } },
        inbox: claim!.ids,
        at: channels.clock.now(),
      });
      await connectAs("new-bot");
    }
    const close = (deliveryId: string) =>
      channels.store.run("runs.close", {
        runId: "r1",
        outcome: { state: "done", text: "hello", media: [], startedAt: 1, endedAt: 2 },
        intents: [answer(deliveryId)],
        inbox: { state: "done" },
        at: channels.clock.now(),
      });

    it("withholds the answer, which its owner may still send", async () => {
      await swapInHand();
      await close("d1");
      channels.outbox.wake();
      expect(await channels.outbox.settled("d1", 0)).toMatchObject({
        state: "dead",
        reason: expect.stringMatching(/^it was to be sent as .*old-bot.*; the account is .*new-bot.* now$/u),
      });
      await channels.outbox.enqueue([intent("d2")]);
      await channels.until(() => port.sent.length === 1);
      expect(port.sent[0]?.key).toBe("d2/0");
      expect(await channels.outbox.retry("d1")).toMatchObject({ parts: 1 });
      await channels.until(() => port.sent.length === 2);
    });

    it("shows no draft of it either", async () => {
      await swapInHand();
      const args = { runId: "r1", intent: answer("d1"), repeatable: true, at: channels.clock.now() };
      expect(await channels.store.run("drafts.start", args)).toEqual({ state: "none" });
      expect(await channels.ledger.delivery("d1")).toBeUndefined();
    });
  });

  it("finds its own cursor again when it comes back", async () => {
    channels.register(port);
    await connected();
    await port.links[0]!.doors.receive([], { cursor: "old-cursor" });
    await connectAs("new-bot");
    await port.links[1]!.doors.receive([], { cursor: "new-cursor" });
    await connectAs("old-bot");
    expect(await port.links[2]!.doors.cursor()).toBe("old-cursor");
  });

  it("is not what the same identity with a new token is: nothing is given up", async () => {
    channels.register(port);
    await connected();
    await port.links[0]!.doors.receive([message("1")], { cursor: "c" });
    await connectAs("old-bot");
    expect(await port.links[1]!.doors.cursor()).toBe("c");
    expect(await channels.ledger.counts()).toEqual([expect.objectContaining({ state: "recorded", count: 1 })]);
  });
});

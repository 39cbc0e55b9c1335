import type { Inbound } from "openclaw-host-sdk";
import { SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RequestContext } from "../auth/caller.ts";
import { deliveryId, runId, sessionKey } from "../base/brand.ts";
import type { DeliveryTarget } from "../channels/policy/route.ts";
import { createTestPort, openTestChannels, type TestChannels } from "../channels/test-port.ts";
import type { StoredMessage } from "../store/tables/run-record.ts";
import { deliveryMethods } from "./delivery.ts";

const to = (id: string, account = "a"): DeliveryTarget => ({ channel: "test", account, peer: { kind: "dm", id } });

/** The handlers of this family ask nothing of who calls. */
const context = {} as RequestContext;

describe("the delivery methods", () => {
  let channels: TestChannels;
  let methods: ReturnType<typeof deliveryMethods>;

  beforeEach(async () => {
    channels = await openTestChannels({ test: { accounts: { a: {}, b: {} } } });
    const port = createTestPort();
    const send = port.behaviour.send;
    port.behaviour.send = (part, call) => {
      if (part.part.text === "lost")
        return Promise.reject(new SendError("reset", { fate: "unknown", scope: "message" }));
      if (part.part.text === "bad") return Promise.reject(new SendError("no", { fate: "rejected", scope: "message" }));
      return send(part, call);
    };
    channels.register(port);
    await channels.until(() => port.links.length === 2);
    methods = deliveryMethods({ channels, clock: channels.clock });
  });
  afterEach(() => channels.dispose());

  async function send(id: string, text: string, target = to("1")): Promise<void> {
    await channels.outbox.enqueue(await channels.plan(target, { text }, { deliveryId: deliveryId(id) }));
    const outcome = () => channels.store.run("ledger.outcome", { deliveryId: id });
    await channels.until(async () => (await outcome())?.final === true);
    await channels.clock.advance(1);
  }
  const list = async (params: Parameters<(typeof methods)["delivery.list"]>[0]) =>
    methods["delivery.list"](params, context);
  const listed = async (params: Parameters<(typeof methods)["delivery.list"]>[0]) =>
    (await list(params)).deliveries.map((delivery) => delivery.deliveryId);

  it("list newest first, page by page, with every filter", async () => {
    const start = channels.clock.now();
    await send("d1", "fine");
    await send("d2", "lost");
    await send("d3", "bad", to("1", "b"));
    await send("d4", "first part of it. second part of it.");
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      pages.push(page.deliveries.map((delivery) => delivery.deliveryId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([["d4", "d3", "d2"], ["d1"]]);
    expect(await listed({ state: "sent" })).toEqual(["d4", "d1"]);
    expect(await listed({ state: "unknown" })).toEqual(["d2"]);
    expect(await listed({ state: "dead" })).toEqual(["d3"]);
    expect(await listed({ state: "queued" })).toEqual([]);
    expect(await listed({ accountId: "b", channel: "test" })).toEqual(["d3"]);
    expect(await listed({ channel: "other" })).toEqual([]);
    expect(await listed({ since: start + 2 })).toEqual(["d4", "d3"]);
    expect((await list({ limit: 1 })).deliveries).toEqual([
      {
        deliveryId: "d4",
        channel: "test",
        accountId: "a",
        to: { kind: "dm", id: "1" },
        createdAt: start + 3,
        state: "sent",
        parked: false,
        parts: 2,
        sentParts: 2,
      },
    ]);
    await expect(list({ cursor: "nonsense" })).rejects.toThrow("cursor must be the nextCursor of an earlier page");
  });

  it("follow a message from the platform's event to its receipt, also when the run is forgotten", async () => {
    const event: Inbound = {
      type: "message",
      eventId: "e1",
      at: 1,
      peer: to("1").peer,
      from: { id: "1" },
      messageId: "m1",
      body: { text: "hi" },
    };
    await channels.inbox.receive({ channel: "test", account: "a", lease: "self-a" }, [event], {});
    const [claim] = await channels.inbox.claim();
    const run = {
      runId: "r1",
      door: "channel",
      identity: "test/a",
      digest: "x",
      agentId: "main",
      request: "{}",
    } as const;
    const message: StoredMessage = {
      id: "u1",
      message: { role: "user", content: [{ type: "text", text: "hi" }], timestamp: 1 },
    };
    const key = sessionKey("agent:main:main");
    await channels.store.run("runs.accept", {
      ...run,
      sessionKey: key,
      sessionId: "s1",
      message,
      inbox: claim?.ids ?? [],
      at: 1,
    });
    const intents = await channels.plan(
      to("1"),
      { text: "echo: hi" },
      { deliveryId: deliveryId("d"), runId: runId("r1") },
    );
    await channels.store.run("runs.close", {
      runId: "r1",
      outcome: { text: "echo: hi", media: [], startedAt: 1, endedAt: 2, state: "done" },
      intents,
      inbox: { state: "done" },
      at: 2,
    });
    channels.outbox.wake();
    await channels.outbox.settled("d", 1_000);
    expect(await listed({ eventId: "e1" })).toEqual(["d"]);
    expect(await listed({ eventId: "e2" })).toEqual([]);
    const get = async () => methods["delivery.get"]({ deliveryId: "d" }, context);
    expect(await get()).toMatchObject({
      events: [{ eventId: "e1", messageId: "m1", state: "done" }],
      run: { runId: "r1", door: "channel", sessionKey: key, state: "done" },
      delivery: { deliveryId: "d", runId: "r1", state: "sent" },
      text: "echo: hi",
      parts: [{ index: 0, state: "sent", messageIds: ["sent-1"], attempts: 1 }],
    });
    await channels.store.run("upkeep.runs", { after: 0, limit: 10, before: 3, now: 3 });
    const forgotten = await get();
    expect(forgotten).toMatchObject({ events: [{ eventId: "e1" }], delivery: { runId: "r1" } });
    expect(forgotten.run).toBeUndefined();
  });

  it("retry and drop what there is to decide on, and refuse the rest with a reason", async () => {
    await send("lost", "lost");
    await send("fine", "fine");
    const retry = async (id: string) => methods["delivery.retry"]({ deliveryId: id }, context);
    const drop = async (id: string) => methods["delivery.drop"]({ deliveryId: id }, context);
    expect(await retry("lost")).toEqual({ deliveryId: "lost", parts: 1 });
    const parked = async () => (await list({ state: "unknown" })).deliveries[0];
    await channels.until(async () => (await parked())?.parked === true);
    expect(await drop("lost")).toEqual({ deliveryId: "lost", parts: 1 });
    expect(await list({ state: "dead" })).toMatchObject({ deliveries: [{ reason: "dropped by the owner" }] });
    await expect(drop("lost")).rejects.toThrow("nothing of it is left to give up; see: openclaw delivery show lost");
    await expect(retry("fine")).rejects.toThrow("nothing of it is parked or dead");
    for (const act of [retry, drop, async (id: string) => methods["delivery.get"]({ deliveryId: id }, context)]) {
      await expect(act("ghost")).rejects.toThrow("there is no delivery ghost; see: openclaw delivery list");
    }
  });

  it("count by account and state", async () => {
    await send("d1", "fine");
    await send("d2", "lost");
    await send("d3", "bad", to("1", "b"));
    const { accounts } = await methods["delivery.stats"]({}, context);
    expect(accounts).toEqual([
      { channel: "test", accountId: "a", inbox: {}, outbox: { sent: 1, unknown: 1 }, parked: 1 },
      { channel: "test", accountId: "b", inbox: {}, outbox: { dead: 1 }, parked: 0 },
    ]);
  });
});

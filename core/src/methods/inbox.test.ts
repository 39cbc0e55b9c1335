import type { Inbound } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { createTestPort, openTestChannels, type TestChannels } from "../channels/test-port.ts";
import { inboxMethods } from "./inbox.ts";

/** The handlers of this family ask nothing of who calls. */
const context = {} as RequestContext;
const SCOPE = { channel: "test", account: "a", lease: "self-a" };

describe("the inbox methods", () => {
  let channels: TestChannels;
  let methods: ReturnType<typeof inboxMethods>;

  beforeEach(async () => {
    channels = await openTestChannels({ test: { accounts: { a: {}, b: {} } } });
    const port = createTestPort();
    channels.register(port);
    await channels.until(() => port.links.length === 2);
    methods = inboxMethods({ kept: channels.kept });
  });
  afterEach(() => channels.dispose());

  const message = (eventId: string, text = eventId, group?: string): Inbound => ({
    type: "message",
    eventId,
    at: 1,
    peer: { kind: "dm", id: "42" },
    from: { id: "42", name: "Ada" },
    messageId: eventId,
    body: { text, ...(group === undefined ? {} : { group }) },
  });

  const receive = (account: string, ...events: Inbound[]) =>
    channels.inbox.receive({ ...SCOPE, account, lease: `self-${account}` }, events, {});
  const claim = () => channels.inbox.claim();
  const claimedEvents = async () => (await claim()).flatMap(({ events }) => events.map(({ eventId }) => eventId));

  /** Parks what can be claimed, or refuses it; returns the first row's id. */
  async function keep(as: "park" | "refuse", reason: string): Promise<number> {
    const [first] = await claim();
    await channels.inbox[as](first!.ids, reason);
    return first!.ids[0]!;
  }
  const list = async (params: Parameters<(typeof methods)["inbox.list"]>[0]) => methods["inbox.list"](params, context);
  const listed = async (params: Parameters<(typeof methods)["inbox.list"]>[0]) =>
    (await list(params)).messages.map(({ eventId }) => eventId);
  const retry = async (id: number) => methods["inbox.retry"]({ id }, context);
  const drop = async (id: number) => methods["inbox.drop"]({ id }, context);

  it("list what waits for the owner, newest first, page by page, and what was refused apart from it", async () => {
    for (const id of ["e1", "e2", "e3"]) {
      await receive("a", message(id));
      await keep("park", `because of ${id}`);
    }
    await receive("b", message("e4"));
    await keep("refuse", "a stranger");
    expect(await listed({})).toEqual(["e3", "e2", "e1"]);
    const page = await list({ limit: 2 });
    expect(page.messages.map(({ eventId }) => eventId)).toEqual(["e3", "e2"]);
    expect(await listed({ limit: 2, cursor: page.nextCursor! })).toEqual(["e1"]);
    expect(await listed({ state: "refused" })).toEqual(["e4"]);
    expect(await listed({ state: "refused", accountId: "a" })).toEqual([]);
    expect(await listed({ channel: "other" })).toEqual([]);
    expect(page.messages[0]).toMatchObject({
      channel: "test",
      accountId: "a",
      from: { id: "42", name: "Ada" },
      to: { kind: "dm", id: "42" },
      state: "parked",
      reason: "because of e3",
      text: "e3",
    });
  });

  it("show a message whole, where the list shows its beginning", async () => {
    await receive("a", message("e1", "long ".repeat(100)));
    const id = await keep("park", "r");
    expect((await list({})).messages[0]?.text).toHaveLength(200);
    const { message: shown } = await methods["inbox.get"]({ id }, context);
    expect(shown.text).toBe("long ".repeat(100));
  });

  it("take a message up again, ahead of what came after it, with no attempt counted", async () => {
    await receive("a", message("e1"));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const [one] = await claim();
      await channels.inbox.retry(one!.ids, { reason: "broken", delayMs: 0, counts: true });
    }
    expect(await claim()).toEqual([]);
    const [parked] = (await list({})).messages;
    expect(parked).toMatchObject({ state: "parked", attempts: 5 });
    await receive("a", message("e2"));
    expect(await retry(parked!.id)).toEqual({ id: parked!.id, events: 1 });
    expect(await listed({})).toEqual([]);
    const [again] = await claim();
    expect(again).toMatchObject({ attempts: 0, ids: [parked!.id] });
    // Its conversation goes on behind it.
    expect(await claim()).toEqual([]);
    await channels.inbox.park(again!.ids, "no");
    expect(await claimedEvents()).toEqual(["e2"]);
  });

  it("take nothing up beside a message of the same conversation that is in hand", async () => {
    await receive("a", message("e1"));
    const id = await keep("park", "r");
    await receive("a", message("e2"));
    const [busy] = await claim();
    await retry(id);
    expect(await claim()).toEqual([]);
    await channels.inbox.park(busy!.ids, "done");
    expect(await claimedEvents()).toEqual(["e1"]);
  });

  it("take up a refused message, on which policy decides anew", async () => {
    await receive("a", message("e1"));
    const id = await keep("refuse", "a stranger");
    await retry(id);
    expect(await claimedEvents()).toEqual(["e1"]);
  });

  it("decide on the pieces of an album together", async () => {
    await receive("a", message("e1", "one", "g"), message("e2", "two", "g"));
    await channels.clock.advance(3_000);
    await keep("park", "r");
    const [newest] = (await list({})).messages;
    expect(await retry(newest!.id)).toMatchObject({ events: 2 });
    expect(await claimedEvents()).toEqual(["e1", "e2"]);
  });

  it("leave a message unanswered for good, and refuse to decide twice, or on what is not kept", async () => {
    await receive("a", message("e1"));
    const id = await keep("park", "r");
    expect(await drop(id)).toEqual({ id, events: 1 });
    expect(await claim()).toEqual([]);
    expect(await listed({})).toEqual([]);
    const refusal = "neither parked nor refused; see: openclaw inbox list";
    await expect(drop(id)).rejects.toThrow(refusal);
    await expect(retry(id)).rejects.toThrow(refusal);
    await expect(retry(999)).rejects.toThrow(refusal);
    await expect(methods["inbox.get"]({ id }, context)).rejects.toThrow(refusal);
    await receive("a", message("e2"));
    const [running] = await claim();
    await expect(drop(running!.ids[0]!)).rejects.toThrow(refusal);
  });

  it("wake the turns, so that a message is taken up at once", async () => {
    await receive("a", message("e1"));
    const id = await keep("park", "r");
    const before = channels.recorded();
    await retry(id);
    expect(channels.recorded()).toBeGreaterThan(before);
  });
});

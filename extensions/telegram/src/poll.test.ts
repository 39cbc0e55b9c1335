import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Closed, ReceiveError } from "openclaw-host-sdk";
import { type TestHost, createTestHost } from "../test/host.ts";
import { createApi } from "./api.ts";
import { settingsOf } from "./config.ts";
import { type FakeTelegram, startFakeTelegram } from "./fake/index.ts";
import { poll } from "./poll.ts";

let telegram: FakeTelegram;
let host: TestHost;
let stop: AbortController;
let closed: Promise<Closed> | undefined;

beforeEach(async () => {
  telegram = await startFakeTelegram();
  host = createTestHost({ botToken: telegram.token, apiRoot: telegram.url });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await closed;
  closed = undefined;
  await telegram.close();
});

/** A second's long polls keep the end of a test short: the fake answers them in real time. */
function begin(config: object = {}): Promise<Closed> {
  const settings = settingsOf({ botToken: telegram.token, apiRoot: telegram.url, ...config });
  closed = poll({ api: createApi(settings), ctx: host.ctx, timeoutSeconds: 1, signal: stop.signal });
  return closed;
}

/** As `begin`, for tests that look at what happens before the end. */
const start = (config?: object) => void begin(config);

const texts = () => host.received.map((event) => (event.type === "message" ? event.body.text : event.type));
const states = () => host.health.map((health) => health.state);
const ready = () => expect.poll(states, { interval: 5 }).toContain("ready");
const lastHealth = () => host.health.at(-1);

/** Waits for the back-off, checks its length and ends it. */
async function sitOut(ms: number): Promise<void> {
  await expect.poll(() => host.clock.sleeping(), { interval: 5 }).toEqual([ms]);
  host.clock.advance(ms);
}

describe("polling", () => {
  it("hands over messages that arrived before it started, with the cursor behind them", async () => {
    telegram.say("one");
    const { updateId } = telegram.say("two");
    start();
    await expect.poll(texts, { interval: 5 }).toEqual(["one", "two"]);
    expect(host.cursor).toBe(String(updateId + 1));
  });

  it("confirms a batch to Telegram only by the next poll", async () => {
    telegram.say("one");
    start();
    await expect.poll(() => telegram.pending(), { interval: 5 }).toEqual([]);
    const [first, second] = telegram.calls("getUpdates");
    expect(first?.args["offset"]).toBeUndefined();
    expect(second?.args["offset"]).toBe(Number(host.cursor));
    expect(texts()).toEqual(["one"]);
  });

  it("goes on from the stored cursor", async () => {
    const { updateId } = telegram.say("old");
    telegram.say("new");
    host.cursor = String(updateId + 1);
    start();
    await expect.poll(texts, { interval: 5 }).toEqual(["new"]);
  });

  it("ignores a cursor that is none", async () => {
    telegram.say("one");
    host.cursor = "garbage";
    start();
    await expect.poll(texts, { interval: 5 }).toEqual(["one"]);
  });

  it("is ready after the first completed round trip, not before, and then waits for news", async () => {
    start();
    await ready();
    expect(host.health).toEqual([{ state: "ready", lastRoundTripAt: host.clock.now() }]);
    await expect
      .poll(() => telegram.calls("getUpdates").map((call) => call.args["timeout"]), { interval: 5 })
      .toEqual([0, 1]);
    telegram.say("news");
    await expect.poll(texts, { interval: 5 }).toEqual(["news"]);
  });

  it("moves the cursor past updates that mean nothing to the host", async () => {
    const updateId = telegram.deliver({ message: { new_chat_title: "x" } });
    start();
    await expect.poll(() => host.cursor, { interval: 5 }).toBe(String(updateId + 1));
    expect(host.received).toEqual([]);
  });

  it("skips an update that cannot be read, and says so", async () => {
    telegram.deliver({ message_reaction: { message_id: 1 } });
    telegram.say("after");
    start();
    await expect.poll(texts, { interval: 5 }).toEqual(["after"]);
    expect(host.logs.join()).toContain("cannot be read");
  });

  it("offers the same updates again when the host could not store them", async () => {
    telegram.say("kept");
    host.refuseOnce = new ReceiveError("disk full", { retryAfterMs: 7_000 });
    start();
    await sitOut(7_000);
    await expect.poll(texts, { interval: 5 }).toEqual(["kept"]);
    expect(states()).toContain("degraded");
    expect(host.cursor).toBeDefined();
  });

  it("stops at once, whatever the poll is waiting for, and finishes with a reason", async () => {
    const end = begin();
    await ready();
    stop.abort();
    expect(await end).toMatchObject({ code: "drained" });
    expect(host.clock.sleeping()).toEqual([]);
  });
});

describe("polling in trouble", () => {
  it("waits as long as a rate limit asks, then goes on", async () => {
    telegram.fail("rate-limit", { retryAfter: 11 });
    telegram.say("later");
    start();
    await sitOut(11_000);
    await expect.poll(texts, { interval: 5 }).toEqual(["later"]);
    expect(states()).toEqual(["degraded", "ready"]);
  });

  it("names a second poller, keeps trying and takes over when it has gone", async () => {
    telegram.fail("conflict", { times: 2 });
    telegram.say("mine");
    start();
    await sitOut(1_000);
    expect(lastHealth()).toMatchObject({ state: "degraded", detail: expect.stringContaining("another program") });
    expect(lastHealth()?.fix).toContain("/revoke");
    await sitOut(2_000);
    await expect.poll(texts, { interval: 5 }).toEqual(["mine"]);
    expect(states().at(-1)).toBe("ready");
  });

  it("removes a webhook without dropping what it has not delivered", async () => {
    telegram.setWebhook("https://elsewhere.example/hook");
    telegram.say("held back");
    start();
    await sitOut(1_000);
    await expect.poll(texts, { interval: 5 }).toEqual(["held back"]);
    expect(telegram.calls("deleteWebhook").map((call) => call.args)).toEqual([{ drop_pending_updates: false }]);
  });

  it("ends for good when the token is refused, and says what to do", async () => {
    const end = begin({ botToken: "1:wrong" });
    expect(await end).toMatchObject({
      retry: "never",
      code: "unauthorized",
      fix: expect.stringContaining("@BotFather"),
    });
  });

  it.each([
    ["server-error", "502"],
    ["disconnect", "broke"],
    ["drop-response", "broke"],
  ] as const)("shows %s as degraded and recovers", async (fault, detail) => {
    telegram.fail(fault, { method: "getUpdates" });
    telegram.say("after");
    start();
    await sitOut(1_000);
    expect(lastHealth()).toMatchObject({ state: "degraded", detail: expect.stringContaining(detail) });
    await expect.poll(texts, { interval: 5 }).toEqual(["after"]);
  });

  it("gives up on a hung poll after its deadline and asks again", async () => {
    telegram.fail("hang", { method: "getUpdates" });
    telegram.say("after");
    start();
    await expect.poll(() => telegram.calls("getUpdates").length, { interval: 5 }).toBe(1);
    await sitOut(10_000);
    await sitOut(1_000);
    await expect.poll(texts, { interval: 5 }).toEqual(["after"]);
    expect(host.health[0]?.detail).toContain("did not answer a poll in time");
  });

  it("backs off further with each failure, up to half a minute", async () => {
    telegram.fail("server-error", { times: 7 });
    start();
    for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) await sitOut(ms);
    await ready();
  });

  it("keeps trying while nobody listens there", async () => {
    const other = await startFakeTelegram();
    await other.close();
    start({ apiRoot: other.url });
    await sitOut(1_000);
    expect(lastHealth()).toMatchObject({ state: "degraded", detail: expect.stringContaining("ECONNREFUSED") });
    expect(lastHealth()?.fix).toContain("apiRoot");
    await sitOut(2_000);
  });

  it("never shows the token", async () => {
    telegram.fail("server-error");
    telegram.fail("disconnect");
    start();
    await sitOut(1_000);
    await sitOut(2_000);
    await ready();
    expect(JSON.stringify([host.health, host.logs])).not.toContain(telegram.token);
  });
});

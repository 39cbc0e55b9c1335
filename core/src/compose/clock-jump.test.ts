import { DatabaseSync } from "node:sqlite";
import { PassThrough } from "node:stream";
import type { Inbound } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunFeed } from "../agent/run-feed.ts";
import { startRetention } from "../automation/retention.ts";
import { createPresence } from "../automation/presence.ts";
import { createStateVersions } from "../automation/state-versions.ts";
import { deviceId, sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { everyTrusted } from "../base/trusted-time.ts";
import { openInbox } from "../channels/inbox/inbox.ts";
import { ECHO_LIMIT, createEchoGuard } from "../channels/policy/echo-guard.ts";
import { createTestPort, openTestChannels } from "../channels/test-port.ts";
import { createCrashBudget } from "../host/crash-budget.ts";
import { createRate } from "../host/doors/log.ts";
import { captureOutput } from "../host/guest-output.ts";
import { PAIRING_TTL_MS } from "../store/tables/pairing.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { createDedupe } from "../wire/dedupe.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

const BACK = ["back", -YEAR_MS] as const;
const FORTH = ["forth", YEAR_MS] as const;

let store: TestStore;
let clock: FakeClock;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
});
afterEach(() => store.dispose());

const message = (eventId: string): Inbound => ({
  type: "message",
  eventId,
  at: 1,
  messageId: eventId,
  peer: { kind: "dm", id: "1" },
  from: { id: "1" },
  body: { text: eventId },
});
const SCOPE = { channel: "x", account: "a", lease: "bot", windowMs: HOUR_MS };

/** An inbox whose messages wait 20 s for their next. */
async function openWaiting() {
  let woken = 0;
  const inbox = await openInbox({ store, clock, log: silentLog, debounceMs: 20_000, onRecorded: () => (woken += 1) });
  const receive = (...ids: string[]) => inbox.receive(SCOPE, ids.map(message), {});
  return { inbox, receive, woken: () => woken };
}

describe("a clock that jumps a year while a message waits for the next of its burst", () => {
  it("back: the message waits as long as it was meant to, and is not lost", async () => {
    const { inbox, receive, woken } = await openWaiting();
    await receive("1");
    clock.jump(-YEAR_MS);
    const before = woken();
    await clock.advance(10_000);
    await expect.poll(woken).toBeGreaterThan(before);
    expect(await inbox.claim()).toEqual([]);
    await clock.advance(10_000);
    expect((await inbox.claim())[0]?.ids).toHaveLength(1);
    inbox.close();
  });

  it("back, with the gateway down: the message runs at once", async () => {
    const first = await openWaiting();
    await first.receive("1");
    first.inbox.close();
    clock.jump(-YEAR_MS);
    const { inbox } = await openWaiting();
    expect((await inbox.claim())[0]?.ids).toHaveLength(1);
    inbox.close();
  });

  it("forth: the message runs at once, and what comes later is a turn of its own", async () => {
    const { inbox, receive } = await openWaiting();
    await receive("1");
    clock.jump(YEAR_MS);
    const [claim] = await inbox.claim();
    expect(claim?.ids).toHaveLength(1);
    await inbox.park(claim?.ids ?? [], "checked");
    await receive("2");
    expect(await inbox.claim()).toEqual([]);
    await clock.advance(20_000);
    expect((await inbox.claim())[0]?.ids).toHaveLength(1);
    inbox.close();
  });
});

describe("a clock that jumps a year under a full inbox", () => {
  it("back: rows whose event cannot come again still make room", async () => {
    const inbox = await openInbox({ store, clock, log: silentLog, maxRows: 1, onRecorded: () => {} });
    await inbox.receive(SCOPE, [message("1")], {});
    await inbox.park((await inbox.claim())[0]?.ids ?? [], "checked");
    await expect(inbox.receive(SCOPE, [message("2")], {})).rejects.toThrow("could not store");
    clock.jump(-YEAR_MS);
    await expect(inbox.receive(SCOPE, [message("2")], {})).rejects.toThrow("could not store");
    clock.jump(YEAR_MS + HOUR_MS);
    expect(await inbox.receive(SCOPE, [message("2")], {})).toEqual([{ outcome: "stored" }]);
    inbox.close();
  });
});

describe("a clock that jumps a year under a code that waits for its approval", () => {
  const peer = { kind: "dm", id: "7" } as const;
  const ask = (code: string) =>
    store.run("pairing.request", { channel: "x", account: "a", sender: "7", peer, codes: [code], now: clock.now() });
  const waiting = async () =>
    (await store.run("pairing.requests", { now: clock.now() })).map((request) => request.code);

  it("back: it is good for its hour and not for a year", async () => {
    await ask("AAAAAAAA");
    clock.jump(-YEAR_MS);
    expect(await waiting()).toEqual(["AAAAAAAA"]);
    await clock.advance(PAIRING_TTL_MS);
    expect(await waiting()).toEqual([]);
  });

  it("forth: it has ended, and the next message gets another", async () => {
    await ask("AAAAAAAA");
    clock.jump(YEAR_MS);
    expect(await ask("BBBBBBBB")).toMatchObject({ state: "new", tell: true });
    expect(await waiting()).toEqual(["BBBBBBBB"]);
  });
});

describe("a clock that jumps a year under devices that ask to be paired", () => {
  const request = (id: string) => {
    const claim = {
      deviceId: deviceId(id),
      publicKey: id,
      signature: "v3" as const,
      role: "operator" as const,
      scopes: [],
    };
    const asked = { claim, at: clock.now(), requestId: id, source: "host", reason: "not-paired" as const };
    return store.run("devices.request", asked);
  };
  const known = (): unknown[] => {
    const db = new DatabaseSync(store.path, { readOnly: true });
    const rows = db.prepare("SELECT request_id FROM device_requests").all();
    db.close();
    return rows.map((row) => row["request_id"]);
  };

  it("back: those that ask now are not pushed out by those of the future", async () => {
    for (let index = 0; index < 300; index += 1) await request(`old${index}`);
    clock.jump(-YEAR_MS);
    await clock.advance(1_000);
    await request("new");
    expect(known()).toContain("new");
  });

  it("forth: an old one has ended and may be asked again", async () => {
    await request("old");
    clock.jump(YEAR_MS);
    await request("new");
    expect(known()).toEqual(["new"]);
  });
});

describe("a clock that jumps a year under keys of requests", () => {
  const done = (key: string) => ({
    identity: "d",
    method: "send",
    key,
    params: {},
    accepted: () => {},
    work: () => ({ ok: true as const, payload: `first ${key}` }),
  });
  const again = (key: string) => ({ ...done(key), work: () => ({ ok: true as const, payload: "twice" }) });
  const isStored = (key: string) =>
    store
      .run("idempotency.claim", { identity: "d", method: "send", key, digest: "", at: clock.now() })
      .then(({ state }) => state === "other-body");

  it.each([BACK, FORTH])("%s: a repeat within the day is told the first outcome", async (_where, byMs) => {
    const dedupe = createDedupe({ store, clock, log: silentLog });
    await dedupe.run(done("k"));
    clock.jump(byMs);
    for (let hours = 0; hours < 20; hours += 1) await clock.advance(HOUR_MS);
    expect(await dedupe.run(again("k"))).toEqual({ ok: true, payload: "first k" });
    dedupe.close();
  });

  it("back: keys of the future are the first to be forgotten, not those that come after them", async () => {
    for (const key of ["future 1", "future 2"]) {
      await store.run("idempotency.claim", { identity: "d", method: "send", key, digest: "x", at: clock.now() });
    }
    clock.jump(-YEAR_MS);
    await store.run("idempotency.prune", { before: clock.now() - DAY_MS, now: clock.now(), keep: 1 });
    await clock.advance(1_000);
    await store.run("idempotency.claim", { identity: "d", method: "send", key: "new", digest: "x", at: clock.now() });
    await store.run("idempotency.prune", { before: clock.now() - DAY_MS, now: clock.now(), keep: 0 });
    expect(await Promise.all(["future 1", "new"].map(isStored))).toEqual([false, true]);
  });
});

describe("a clock that jumps a year under what is kept for some days", () => {
  const KEY = sessionKey("agent:main:main");
  const say = (id: string) =>
    store.run("sessions.append", {
      key: KEY,
      sessionId: "s",
      at: clock.now(),
      messages: [{ id, message: { role: "user", content: id, timestamp: 1 } }],
    });
  const said = async () => (await store.run("sessions.history", { sessionId: "s", limit: 100 })).length;

  function start() {
    const collected: { now?: number }[] = [];
    const media = { collect: async (options: { now?: number }) => void collected.push(options) };
    const inbox = { noteRemoved: () => {} };
    const audit = { prune: async () => 0 };
    const keep = { ledgerDays: 30, transcriptsDays: 30, auditDays: 30 };
    const stop = startRetention({ store, media, inbox, audit, clock, log: silentLog, keep });
    return { collected, stop };
  }
  /** Hours with upkeep; the database works in its own time. */
  async function hours(count: number, collected: readonly unknown[]): Promise<void> {
    for (let hour = 0; hour < count; hour += 1) {
      const before = collected.length;
      await clock.advance(HOUR_MS);
      // The round of the jump is left out.
      const over = async () => (await clock.advance(50), collected.length > before || hour === 0);
      await expect.poll(over, { interval: 5, timeout: 5_000 }).toBe(true);
    }
  }

  it("forth: nothing is thrown away, neither in that hour nor after it", async () => {
    await say("kept");
    const { collected, stop } = start();
    clock.jump(YEAR_MS);
    await hours(4, collected);
    expect(collected.length).toBeGreaterThan(1);
    expect(collected.every(({ now = Infinity }) => now < clock.now() - YEAR_MS + DAY_MS)).toBe(true);
    expect(await said()).toBe(1);
    stop();
  });

  it("back: what is from the future stays, and does not hold up what is old behind it", async () => {
    for (let index = 0; index < 600; index += 1) await say(`future ${index}`);
    clock.jump(-YEAR_MS);
    await say("old");
    await clock.advance(31 * DAY_MS);
    const step = { after: 0, limit: 500, before: clock.now() - 30 * DAY_MS, now: clock.now() };
    const first = await store.run("upkeep.transcripts", step);
    expect(first).toMatchObject({ removed: 0, next: expect.any(Number) });
    expect(await store.run("upkeep.transcripts", { ...step, after: first.next ?? 0 })).toEqual({ removed: 1 });
  });

  it("forth for good: it is believed after a week without another jump", async () => {
    const rounds: number[] = [];
    const stop = everyTrusted(clock, { everyMs: HOUR_MS, run: (now) => rounds.push(clock.now() - now) });
    clock.jump(YEAR_MS);
    await clock.advance(6 * DAY_MS);
    expect(rounds.at(-1)).toBe(YEAR_MS);
    await clock.advance(2 * DAY_MS);
    expect(rounds.at(-1)).toBe(0);
    stop();
  });

  it("forth and back again: it is believed at once", async () => {
    const rounds: number[] = [];
    const stop = everyTrusted(clock, { everyMs: HOUR_MS, run: (now) => rounds.push(clock.now() - now) });
    clock.jump(YEAR_MS);
    await clock.advance(HOUR_MS);
    clock.jump(-YEAR_MS);
    await clock.advance(2 * HOUR_MS);
    expect(rounds).toEqual([0]);
    stop();
  });
});

describe("a clock that jumps a year under an account that waits to connect again", () => {
  it.each([BACK, FORTH])("%s: it waits as long as it was meant to", async (_where, byMs) => {
    const channels = await openTestChannels({ test: {} }, { store, clock });
    const port = createTestPort();
    channels.register(port);
    await channels.until(() => port.links.length === 1);
    port.links[0]!.close({ retry: "backoff", code: "flood", detail: "flood", retryAfterMs: 60_000 });
    await clock.advance(1);
    clock.jump(byMs);
    await clock.advance(50_000);
    expect(port.links).toHaveLength(1);
    await channels.advanceUntil(() => port.links.length === 2, 500);
    await channels.close();
  });

  it.each([BACK, FORTH])("%s: a call whose deadline has begun keeps it", async (_where, byMs) => {
    const channels = await openTestChannels({ test: {} }, { store, clock });
    const port = createTestPort();
    let probes = 0;
    port.behaviour.probe = (_spec, call) =>
      new Promise((_resolve, reject) => {
        probes += 1;
        call.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    channels.register(port);
    await channels.until(() => probes === 1);
    clock.jump(byMs);
    await channels.advanceUntil(() => probes === 2, 1_000);
    await channels.close();
  });
});

describe("a clock that jumps a year under what is counted within a time", () => {
  it("back: an echo loop that ended is answered again", () => {
    const guard = createEchoGuard(clock);
    const ping = () =>
      guard.hear({ channel: "x", account: "a", lane: "l", sender: "bot", machine: true, text: "ping" });
    for (let round = 0; round < ECHO_LIMIT; round += 1) ping();
    expect(ping()).toContain("echo loop");
    clock.jump(-YEAR_MS);
    expect(guard.silenced({ channel: "x", account: "a" })).toEqual([]);
    expect(ping()).toBeUndefined();
  });

  it("back: crashes of the future do not count against an extension", () => {
    const policy = { crashes: 2, windowMs: 600_000, baseDelayMs: 1, maxDelayMs: 1 };
    const crashed = createCrashBudget(policy, () => 0);
    crashed(clock.now());
    clock.jump(-YEAR_MS);
    expect(crashed(clock.now())).toHaveProperty("retryInMs");
    expect(crashed(clock.now())).toHaveProperty("crashes");
  });

  it("back: an extension that was over its rate may log again", () => {
    const rate = createRate(clock);
    let line = rate();
    while (line.allowed) line = rate();
    clock.jump(-YEAR_MS);
    expect(rate().allowed).toBe(true);
  });

  it("back: what a guest prints is read on", async () => {
    const stream = new PassThrough();
    const lines: string[] = [];
    captureOutput(stream, { clock, onLine: (line) => void lines.push(line), onDropped: () => {} });
    stream.write("flood\n".repeat(100));
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    clock.jump(-YEAR_MS);
    stream.write("after\n");
    await expect.poll(() => lines.at(-1)).toBe("after");
    stream.end();
  });

  it("back: the gateway's own line of the presence list goes on", () => {
    const presence = createPresence({
      clock,
      sink: { publish: () => {} },
      versions: createStateVersions(),
      self: { host: "vm" },
    });
    presence.list();
    clock.jump(-YEAR_MS);
    expect(presence.list()[0]?.ts).toBe(clock.now());
  });

  it("back: clients go on seeing a run grow", async () => {
    const texts: unknown[] = [];
    const sink = {
      publish: (event: string, payload: unknown) => void (event === "chat" && texts.push(payload)),
    };
    const run = { runId: "r", sessionKey: sessionKey("agent:main:main"), sessionId: "s", agentId: "main" };
    const feed = createRunFeed({ sink, clock }, { run, toolAudience: new Set(), toolResults: false });
    feed.text("one", "one");
    clock.jump(-YEAR_MS);
    feed.text(" two", "one two");
    await clock.advance(1_000);
    expect(texts).toHaveLength(2);
  });
});

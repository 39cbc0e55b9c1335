import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import type { OutboxIntent } from "./outbox.ts";
import type { RunOutcome } from "./run-record.ts";
import type { AcceptArgs } from "./runs.ts";
import { openTestStore, type TestStore } from "../test-store.ts";

const key = sessionKey("agent:main:main");
const message = (text: string) => ({
  id: `m-${text}`,
  message: { role: "user" as const, content: text, timestamp: 1 },
});
const outcome = (text: string, endedAt = 20): RunOutcome => ({
  text,
  media: [],
  startedAt: 10,
  endedAt,
  state: "done",
});

const intent: OutboxIntent = {
  deliveryId: "d1",
  channel: "tele",
  account: "default",
  lane: "l",
  outbound: { type: "message", to: { kind: "dm", id: "42" }, body: { text: "x" } },
  part: { index: 0, of: 1, text: "x" },
  at: 1,
};

let store: TestStore;
beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.dispose());

const accept = (runId: string, more: Partial<AcceptArgs> = {}) =>
  store.run("runs.accept", {
    runId,
    door: "chat.send",
    identity: "device-1",
    digest: "d",
    sessionKey: key,
    sessionId: `session of ${runId}`,
    agentId: "main",
    request: "{}",
    message: message(runId),
    at: 5,
    ...more,
  });

const close = (
  runId: string,
  more: { text?: string; endedAt?: number; intents?: OutboxIntent[]; parked?: string } = {},
) =>
  store.run("runs.close", {
    runId,
    outcome: outcome(more.text ?? "", more.endedAt),
    ...(more.text === undefined
      ? {}
      : { message: { id: `a-${runId}`, message: { role: "assistant" as const, content: more.text, timestamp: 2 } } }),
    intents: more.intents ?? [],
    inbox: more.parked === undefined ? { state: "done" } : { state: "parked", reason: more.parked },
    at: 20,
  });

/** What the session says, which `r1` has made. */
async function transcript(): Promise<unknown[]> {
  const texts = await store.run("sessions.transcript", { sessionId: "session of r1", limit: 100, maxBytes: 1e6 });
  return texts.map((text) => (JSON.parse(text) as { content: unknown }).content);
}

/** Records and claims one message of a channel; returns its row ids. */
async function claimed(eventId: string, album?: string): Promise<readonly number[]> {
  const event = {
    eventId,
    at: 1,
    peer: { kind: "dm" as const, id: "42" },
    from: { id: "42" },
    type: "message" as const,
    messageId: eventId,
    body: { text: "hi" },
  };
  const scope = {
    channel: "tele",
    account: "default",
    lease: "l",
    at: 1,
    keepUntil: 1,
    album: { quietMs: 1, maxMs: 1 },
  };
  await store.run("inbox.receive", {
    ...scope,
    entries: [{ eventId, lane: "l", event, ...(album === undefined ? {} : { album }) }],
  });
  return claim();
}

/** Inbox rows of the next claim. */
async function claim(): Promise<readonly number[]> {
  const { claims } = await store.run("inbox.claim", { now: 10, maxAttempts: 5, maxEarlyDeaths: 20 });
  return claims[0]?.ids ?? [];
}

describe("accepting a run", () => {
  it("puts the question into the transcript at once when nothing runs in the session", async () => {
    expect(await accept("r1")).toMatchObject({ state: "new", run: { state: "running", sessionId: "session of r1" } });
    expect(await transcript()).toEqual(["r1"]);
  });

  it("holds the question back while another run of the session is open", async () => {
    await accept("r1");
    expect(await accept("r2")).toMatchObject({ state: "new", run: { state: "accepted", sessionId: "session of r1" } });
    await close("r1", { text: "answer" });
    expect(await transcript()).toEqual(["r1", "answer"]);
    await store.run("runs.start", { runId: "r2", at: 6 });
    await store.run("runs.start", { runId: "r2", at: 6 });
    expect(await transcript()).toEqual(["r1", "answer", "r2"]);
  });

  it("stores nothing for a run id that is known and returns the run as it stands", async () => {
    await accept("r1");
    expect(await accept("r1", { digest: "other" })).toMatchObject({ state: "known", run: { digest: "d" } });
    await close("r1", { text: "answer" });
    expect(await accept("r1")).toMatchObject({ state: "known", run: { state: "done", outcome: { text: "answer" } } });
    expect(await transcript()).toEqual(["r1", "answer"]);
  });

  it("finds the open run of the same inbox rows again", async () => {
    await accept("r1", { door: "channel", inbox: [7, 8] });
    expect(await accept("r2", { door: "channel", inbox: [7, 8, 9] })).toMatchObject({
      state: "adopted",
      run: { runId: "r1" },
    });
    expect(await transcript()).toEqual(["r1"]);
    await close("r1");
    expect(await accept("r3", { door: "channel", inbox: [7] })).toMatchObject({ state: "new" });
  });

  it("leaves pieces of an album that came after the run had begun to a run of their own", async () => {
    const [first] = await claimed("e1", "album");
    await accept("r1", { door: "channel", inbox: [first!] });
    expect(await claimed("e2", "album")).toEqual([]);
    await store.run("inbox.recover", { now: 10 });
    const both = await claimed("e3", "album");
    expect(both).toHaveLength(3);
    expect(await accept("r2", { door: "channel", inbox: both })).toMatchObject({ state: "adopted" });
    await close("r1");
    expect(await claim()).toEqual(both.slice(1));
  });
});

describe("closing a run", () => {
  it("commits run, transcript, outbox and inbox together, once", async () => {
    const inbox = await claimed("e1");
    await accept("r1", { door: "channel", inbox });
    expect(await close("r1", { text: "answer", intents: [intent] })).toMatchObject({ key, lastMessage: "answer" });
    expect(await close("r1", { text: "again", intents: [{ ...intent, deliveryId: "d2" }] })).toBeUndefined();
    expect(await transcript()).toEqual(["r1", "answer"]);
    const counts = await store.run("ledger.counts", {});
    expect(counts.map(({ direction, state, count }) => [direction, state, count])).toEqual([
      ["in", "done", 1],
      ["out", "queued", 1],
    ]);
  });

  it("changes nothing at all when one part of it cannot be stored", async () => {
    const inbox = await claimed("e1");
    await accept("r1", { door: "channel", inbox });
    const broken = { ...intent, channel: null as unknown as string };
    await expect(close("r1", { text: "answer", intents: [broken] })).rejects.toThrow(/NOT NULL/u);
    expect(await store.run("runs.get", { runId: "r1" })).toMatchObject({ state: "running" });
    expect(await transcript()).toEqual(["r1"]);
    expect(await store.run("ledger.counts", {})).toMatchObject([{ direction: "in", state: "running" }]);
  });

  it("keeps what was said before a run could begin", async () => {
    await accept("r1");
    await accept("r2");
    await close("r2");
    expect(await transcript()).toEqual(["r1", "r2"]);
  });

  it("leaves inbox rows alone that were parked meanwhile", async () => {
    const inbox = await claimed("e1");
    await accept("r1", { door: "channel", inbox });
    await store.run("inbox.close", { ids: inbox, state: "parked", reason: "gave up", at: 11 });
    await close("r1");
    expect(await store.run("ledger.counts", {})).toMatchObject([{ direction: "in", state: "parked" }]);
  });
});

describe("what a dead process leaves", () => {
  it("is stranded unless an open message will bring it back", async () => {
    const inbox = await claimed("e1");
    await accept("channel-run", { door: "channel", inbox, sessionKey: sessionKey("agent:main:other") });
    await accept("client-run");
    const stranded = async () => (await store.run("runs.stranded", {})).map(({ runId }) => runId);
    expect(await stranded()).toEqual(["client-run"]);
    await store.run("inbox.close", { ids: inbox, state: "parked", reason: "gave up", at: 11 });
    expect(await stranded()).toEqual(["channel-run", "client-run"]);
  });

  it("is forgotten with time, open runs excepted", async () => {
    await accept("r1");
    await close("r1", { endedAt: 100 });
    await accept("r2");
    await close("r2", { endedAt: 200 });
    await accept("r3");
    expect(await store.run("upkeep.runs", { after: 0, limit: 10, before: 150, now: 150 })).toEqual({ removed: 1 });
    const left = await Promise.all(["r1", "r2", "r3"].map((runId) => store.run("runs.get", { runId })));
    expect(left.map((run) => run?.state)).toEqual([undefined, "done", "running"]);
  });
});

import type { ParamsOf } from "openclaw-host-schemas";
import type { MediaRef } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLanes } from "../agent/lanes.ts";
import type { AgentRuntime } from "../agent/runtime.ts";
import { createRuntimes } from "../agent/runtimes.ts";
import type { Caller, RequestContext } from "../auth/caller.ts";
import { connId, sessionKey } from "../base/brand.ts";
import { systemClock } from "../base/clock.ts";
import { systemIds } from "../base/ids.ts";
import type { PublishOptions } from "../base/event-sink.ts";
import { createTurns, type Turns } from "../channels/turn/turn.ts";
import type { Agents } from "../sessions/agents.ts";
import { openSessions, type Sessions } from "../sessions/sessions.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { agentMethods } from "./agent.ts";
import { MAX_ATTACHMENT_BYTES } from "./attachments.ts";
import { chatMethods } from "./chat.ts";

const agents: Agents = {
  defaultId: "main",
  mainKey: "main",
  scope: "per-sender",
  profiles: [{ id: "main" }, { id: "work" }],
};

const PNG = Buffer.from("89504e470d0a1a0a", "hex");

/** Says `said: <text>` after one tool call; `wait` waits for the abort, `fail` fails. */
const runtime: AgentRuntime = {
  id: "parrot",
  async *turn({ messages }, call) {
    const last = messages.at(-1);
    const text =
      typeof last?.content === "string" ? last.content : last?.content[0]?.type === "text" ? last.content[0].text : "";
    yield { t: "tool", id: "t1", name: "look", phase: "start", args: {} };
    yield { t: "text", delta: `said: ${text}` };
    yield { t: "usage", in: 1, out: 2 };
    if (text === "fail") return yield { t: "done", reason: "error", error: "no credit" };
    if (text === "wait" && !call.signal.aborted) {
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
    }
    yield { t: "done", reason: "end" };
  },
};

interface Published {
  readonly event: string;
  readonly payload: Record<string, unknown>;
  readonly options: PublishOptions | undefined;
}

let store: TestStore;
let sessions: Sessions;
let turns: Turns;
const noChannel = (): Promise<never> => Promise.reject(new Error("no channel"));
let published: Published[];
let stored: Uint8Array[];

beforeEach(async () => {
  store = await openTestStore();
  sessions = await openSessions({ store, ids: systemIds });
  published = [];
  stored = [];
  const runtimes = createRuntimes({ runtimeOf: () => "parrot", clock: systemClock });
  runtimes.register(runtime);
  turns = createTurns({
    clock: systemClock,
    ids: systemIds,
    log: silentLog,
    store,
    sessions,
    sink: { publish: (event, payload, options) => void published.push({ event, payload: { ...payload }, options }) },
    lanes: createLanes(),
    runtimes,
    settings: () => ({ timeoutMs: 0 }),
    plan: async ({ channel, account, peer }, body, { deliveryId }) => [
      {
        deliveryId,
        channel,
        account,
        lane: peer.id,
        outbound: { type: "message", to: peer, body },
        part: { index: 0, of: 1 },
        at: 1,
      },
    ],
    outbox: { wake: () => undefined },
    resetSession: async (key) => {
      const entry = await store.run("sessions.reset", { key, sessionId: systemIds.uuid(), at: 1 });
      sessions.noteCommitted(entry);
    },
    onStuck: () => undefined,
    inbox: {
      claim: () => Promise.resolve([]),
      refuse: () => Promise.resolve(false),
      park: () => Promise.resolve(),
      retry: () => Promise.resolve(),
    },
    rules: () => undefined,
    echo: { hear: () => undefined, said: () => undefined },
    isOurs: () => false,
    pairing: { isPaired: () => false, request: noChannel, approve: noChannel },
    fetchMedia: () => Promise.reject(new Error("no channel")),
    typing: () => Promise.resolve(),
  });
});

afterEach(async () => {
  await turns.close(0);
  await store.dispose();
});

function putMedia(content: Uint8Array, as: { mime?: string; name?: string }): Promise<MediaRef> {
  stored.push(content);
  const kind = content[0] === 0x89 ? "image" : "file";
  return Promise.resolve({ ref: `blob-${stored.length}`, kind, mime: as.mime ?? "image/png", bytes: content.length });
}

const handlers = () => ({
  ...agentMethods({
    turns,
    sessions,
    agents: () => agents,
    log: silentLog,
    putMedia,
    knowsChannel: (channel) => channel === "tele",
    parseTarget: ({ channel, to, account, threadId }) =>
      Promise.resolve({
        channel,
        account: account ?? "default",
        peer: { kind: "dm", id: to, ...(threadId === undefined ? {} : { threadId }) },
      }),
    modelOf: () => ({ provider: "parrot", model: "p1" }),
  }),
  ...chatMethods({ turns, sessions, agents: () => agents, log: silentLog, putMedia }),
});

function context(
  options: { identity?: string; conn?: string; caps?: string[] } = {},
): RequestContext & { first: unknown[] } {
  const first: unknown[] = [];
  const caller: Caller = {
    connId: connId(options.conn ?? "c1"),
    role: "operator",
    scopes: ["operator.write"],
    identity: options.identity ?? "device-1",
    client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
    caps: options.caps ?? [],
    protocol: 4,
  };
  return { caller, accepted: (payload) => void first.push(payload), signal: new AbortController().signal, first };
}

const agent = (params: Partial<ParamsOf<"agent">>, ctx = context()) =>
  handlers().agent({ message: "hi", idempotencyKey: "k1", ...params }, ctx);
const send = (params: Partial<ParamsOf<"chat.send">>, ctx = context()) =>
  handlers()["chat.send"]({ sessionKey: "main", message: "hi", idempotencyKey: "k1", ...params }, ctx);
const abort = (params: Partial<ParamsOf<"chat.abort">> = {}) =>
  handlers()["chat.abort"]({ sessionKey: "main", ...params }, context());
const wait = (runId: string, timeoutMs = 10_000) => handlers()["agent.wait"]({ runId, timeoutMs }, context());

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
const deltas = () => published.filter(({ event, payload }) => event === "chat" && payload["state"] === "delta");
/** Texts of a session, oldest first. */
const texts = async (key = "agent:main:main") =>
  (await sessions.history(sessionKey(key), 10)).map(({ content }) =>
    typeof content === "string" ? content : content[0]?.type === "text" ? content[0].text : content[0]?.type,
  );

describe("agent", () => {
  it("answers twice: accepted at once, and the result when the run has ended", async () => {
    const ctx = context();
    const final = await agent({}, ctx);
    expect(ctx.first).toEqual([
      {
        runId: "k1",
        status: "accepted",
        acceptedAt: expect.any(Number),
        sessionKey: "agent:main:main",
        agentId: "main",
      },
    ]);
    expect(final).toEqual({
      runId: "k1",
      status: "ok",
      summary: "completed",
      result: {
        payloads: [{ text: "said: hi", mediaUrl: null }],
        meta: {
          durationMs: expect.any(Number),
          agentMeta: {
            sessionId: sessions.get(sessionKey("agent:main:main"))?.sessionId,
            provider: "parrot",
            model: "p1",
            usage: { input: 1, output: 2, total: 3 },
          },
          aborted: false,
          stopReason: "stop",
        },
      },
    });
  });

  it("gives a repeat one answer: in flight with the first acceptance while it runs, the result afterwards", async () => {
    const ctx = context();
    const running = agent({ message: "wait" }, ctx);
    await until(() => deltas().length > 0);
    const repeat = context();
    const inFlight = await agent({ message: "wait" }, repeat);
    expect(repeat.first).toEqual([]);
    expect(inFlight).toEqual({ ...(ctx.first[0] as object), status: "in_flight" });
    await abort();
    const final = await running;
    expect(final).toMatchObject({
      status: "ok",
      summary: "aborted",
      result: { meta: { aborted: true, stopReason: "rpc" } },
    });
    expect(await agent({ message: "wait" })).toEqual(final);
  });

  it("reports a failed run in a payload of status error", async () => {
    expect(await agent({ message: "fail" })).toEqual({ runId: "k1", status: "error", summary: "no credit" });
  });

  it("sends tool events to the connections that speak in the session and asked for them", async () => {
    const running = agent({ message: "wait" }, context({ conn: "plain" }));
    await until(() => deltas().length > 0);
    const other = agent({ message: "hi", idempotencyKey: "k2" }, context({ conn: "tools", caps: ["tool-events"] }));
    await abort({ runId: "k1" });
    await Promise.all([running, other]);
    const tools = published.filter(({ payload }) => payload["stream"] === "tool");
    expect(tools.map(({ payload, options }) => [payload["runId"], [...(options?.onlyTo ?? [])]])).toEqual([
      ["k1", []],
      ["k2", ["tools"]],
    ]);
  });

  it("chooses the session by key, by id, by agent, or else the main one", async () => {
    await agent({ idempotencyKey: "a", sessionKey: "agent:work:desk" });
    await agent({ idempotencyKey: "b", agentId: "work" });
    await agent({ idempotencyKey: "c", agentId: "work", sessionKey: "main" });
    const { sessionId } = sessions.get(sessionKey("agent:work:desk"))!;
    await agent({ idempotencyKey: "d", sessionId });
    expect(await texts("agent:work:desk")).toHaveLength(4);
    expect(await texts("agent:work:main")).toHaveLength(4);
  });

  it.each([
    [{ agentId: "nope" }, 'invalid agent params: unknown agent id "nope"'],
    [{ sessionKey: "agent:nope:main" }, 'invalid agent params: unknown agent id "nope"'],
    [{ sessionKey: "agent::" }, 'invalid agent params: malformed session key "agent::"'],
    [
      { agentId: "work", sessionKey: "agent:main:x" },
      'invalid agent params: agent "work" does not match session key agent "main"',
    ],
    [{ sessionId: "s-9" }, 'invalid agent params: no session has the id "s-9": see sessions.list'],
    [{ channel: "fax" }, "invalid agent params: unknown channel: fax"],
    [{ replyChannel: "fax", deliver: true }, "invalid agent params: unknown channel: fax"],
    [
      { deliver: true },
      "delivery channel is required: pass --channel/--reply-channel or use a main session with a previous channel",
    ],
    [{ deliver: true, channel: "tele" }, "delivery target is required: pass --to/--reply-to for channel tele"],
    [{ message: "a\u0000b" }, "message must not contain null bytes"],
    [{ message: "\u0001" }, "invalid agent params: message is empty"],
  ] satisfies [Partial<ParamsOf<"agent">>, string][])(
    "refuses %j before anything is stored",
    async (params, sentence) => {
      await expect(agent(params)).rejects.toThrow(sentence);
      expect(await store.run("runs.get", { runId: "k1" })).toBeUndefined();
    },
  );

  it("delivers to the named destination, or to where the session was last written from", async () => {
    await agent({ idempotencyKey: "a", deliver: true, channel: "tele", to: "42", threadId: "7" });
    const key = sessionKey("agent:main:main");
    const facts = { deliveryContext: { channel: "tele", to: "99", accountId: "default" }, chatType: "group" };
    sessions.noteCommitted(await store.run("sessions.append", { key, messages: [], at: 1, facts }));
    await agent({ idempotencyKey: "b", deliver: true, channel: "last" });
    await agent({ idempotencyKey: "c", deliver: false });
    const counts = await store.run("ledger.counts", {});
    expect(counts).toMatchObject([
      { channel: "tele", account: "default", direction: "out", state: "queued", count: 2 },
    ]);
  });

  it("starts a new session for /new and /reset when the call names one, and only then", async () => {
    await agent({ idempotencyKey: "a", message: "old" });
    await agent({ idempotencyKey: "b", message: "/new fresh start", sessionKey: "main" });
    expect(await texts()).toEqual(["fresh start", "said: fresh start"]);
    await agent({ idempotencyKey: "c", message: "/RESET", sessionKey: "main" });
    expect((await texts())[0]).toMatch(/^A new session has begun/u);
    await agent({ idempotencyKey: "d", message: "/newspaper", sessionKey: "main" });
    await agent({ idempotencyKey: "e", message: "/new" });
    expect(await texts()).toHaveLength(6);
  });
});

describe("attachments", () => {
  const image = (bytes: Uint8Array, more: object = {}) => ({
    mimeType: "image/png",
    fileName: "a.png",
    content: Buffer.from(bytes).toString("base64"),
    ...more,
  });

  it("stores images, given as base64 or data URL, and drops everything else", async () => {
    const attachments = [
      image(PNG),
      { content: `data:image/png;base64,${PNG.toString("base64")}` },
      image(PNG, { mimeType: "application/pdf" }),
      image(Buffer.from("<html>")),
      "junk",
      { content: 5 },
    ];
    await agent({ attachments });
    expect(stored.map((bytes) => Buffer.from(bytes).toString("latin1"))).toEqual([
      PNG.toString("latin1"),
      PNG.toString("latin1"),
      "<html>",
    ]);
    const [question] = await sessions.history(sessionKey("agent:main:main"), 1 + 1);
    expect(question).toMatchObject({
      content: [{ type: "text" }, { type: "image", ref: "blob-1" }, { type: "image", ref: "blob-2" }],
    });
  });

  it("refuses an image of more than 5,000,000 bytes and text that is no base64", async () => {
    const large = Buffer.alloc(MAX_ATTACHMENT_BYTES + 1);
    await expect(agent({ attachments: [image(large)] })).rejects.toThrow(
      "a.png: exceeds the size limit (5000001 > 5000000 bytes)",
    );
    await expect(agent({ attachments: [{ content: "%%%" }] })).rejects.toThrow("attachment 1: content is not base64");
    await agent({ attachments: [image(large.subarray(1))] });
    expect(stored).toHaveLength(1);
  });
});

describe("agent.wait", () => {
  it("tells how a run ended, and that an aborted one did not", async () => {
    await agent({ idempotencyKey: "a" });
    expect(await wait("a")).toEqual({
      runId: "a",
      status: "ok",
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      stopReason: "stop",
    });
    await agent({ idempotencyKey: "b", message: "fail" });
    expect(await wait("b")).toMatchObject({ status: "error", error: "no credit" });
    const running = agent({ idempotencyKey: "c", message: "wait" });
    const waiting = wait("c");
    await until(() => deltas().some(({ payload }) => payload["runId"] === "c"));
    await abort();
    expect(await waiting).toMatchObject({
      runId: "c",
      status: "timeout",
      startedAt: expect.any(Number),
      stopReason: "rpc",
    });
    await running;
  });

  it("says only that the time is over for a run that did not end", async () => {
    expect(await wait("nope", 1)).toEqual({ runId: "nope", status: "timeout" });
  });
});

describe("chat.send", () => {
  it("answers at once; a repeat is told how the run stands", async () => {
    expect(await send({ message: "wait" })).toEqual({ runId: "k1", status: "started" });
    await until(() => deltas().length > 0);
    expect(await send({ message: "wait" })).toEqual({ runId: "k1", status: "in_flight" });
    await abort();
    await wait("k1");
    expect(await send({ message: "wait" })).toEqual({ runId: "k1", status: "ok" });
    await send({ idempotencyKey: "k2", message: "fail" });
    await wait("k2");
    expect(await send({ idempotencyKey: "k2", message: "fail" })).toEqual({
      runId: "k2",
      status: "error",
      summary: "no credit",
    });
  });

  it.each(["/stop", "stop", "STOP!", " abort "])("takes %j as a wish to stop what runs", async (word) => {
    await send({ message: "wait" });
    await until(() => deltas().length > 0);
    expect(await send({ idempotencyKey: "k2", message: word })).toEqual({ ok: true, aborted: true, runIds: ["k1"] });
    expect(await wait("k1")).toMatchObject({ status: "timeout", stopReason: "stop" });
    expect(await send({ idempotencyKey: "k3", message: word })).toEqual({ ok: true, aborted: false, runIds: [] });
  });

  it("cleans the text and refuses what says nothing", async () => {
    await send({ message: "cafe\u0301\u0007\ttab" });
    await wait("k1");
    expect((await texts())[0]).toBe("caf\u00e9\ttab");
    await expect(send({ message: "  " })).rejects.toThrow("message or attachment required");
    await expect(send({ message: "a\u0000" })).rejects.toThrow("message must not contain null bytes");
    await expect(send({ sessionKey: "agent:nope:x" })).rejects.toThrow('unknown agent id "nope"');
  });

  it("takes an image without a text", async () => {
    await send({ message: "", attachments: [{ content: PNG.toString("base64") }] });
    await wait("k1");
    expect(await texts()).toEqual(["image", "said: "]);
  });
});

describe("chat.abort", () => {
  it("knows no run where none is, and refuses a run of another session", async () => {
    expect(await abort()).toEqual({ ok: true, aborted: false, runIds: [] });
    expect(await abort({ runId: "nope" })).toEqual({ ok: true, aborted: false, runIds: [] });
    await send({ sessionKey: "agent:main:other", message: "wait" });
    await until(() => deltas().length > 0);
    await expect(async () => abort({ runId: "k1" })).rejects.toThrow("runId does not match sessionKey");
    expect(await abort({ sessionKey: "agent:main:other", runId: "k1" })).toEqual({
      ok: true,
      aborted: true,
      runIds: ["k1"],
    });
    expect(await wait("k1")).toMatchObject({ status: "timeout" });
  });
});

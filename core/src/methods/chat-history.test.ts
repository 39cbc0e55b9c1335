import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { connId, sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import { createSessionChanges } from "../sessions/changes.ts";
import { openSessions, type Sessions } from "../sessions/sessions.ts";
import { openTestStore, type TestStore } from "../store/test-store.ts";
import { chatHistoryMethods } from "./chat-history.ts";

const MAIN = sessionKey("agent:main:main");
const CONTEXT: RequestContext = {
  caller: {
    connId: connId("c"),
    role: "operator",
    scopes: ["operator.admin"],
    identity: "local-owner",
    client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
    caps: [],
    protocol: 4,
  },
  accepted: () => undefined,
  signal: new AbortController().signal,
};

let store: TestStore;
let clock: FakeClock;
let sessions: Sessions;
let published: unknown[];
let methods: ReturnType<typeof chatHistoryMethods>;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  sessions = await openSessions({ store, ids: systemIds });
  published = [];
  const runs = { isBusy: () => false, idle: () => Promise.resolve() };
  methods = chatHistoryMethods({
    sessions,
    changes: createSessionChanges({ store, sessions, runs, clock, ids: systemIds }),
    events: { publish: (event, payload) => void published.push({ event, payload }) },
    agents: () => ({ defaultId: "main", mainKey: "main", scope: "per-sender", profiles: [{ id: "main" }] }),
  });
});

afterEach(() => store.dispose());

const history = (sessionKey: string, limit?: number) =>
  methods["chat.history"]({ sessionKey, ...(limit === undefined ? {} : { limit }) }, CONTEXT);
const inject = async (message: string, label?: string) =>
  methods["chat.inject"]({ sessionKey: "main", message, ...(label === undefined ? {} : { label }) }, CONTEXT);

describe("chat.history", () => {
  it("is empty for a session that does not exist", async () => {
    expect(await history("nope")).toEqual({ sessionKey: "nope", messages: [] });
  });

  it("shows the newest messages, newest last, under the key as sent", async () => {
    const { sessionId } = await sessions.ensure(MAIN, 1);
    for (const text of ["a", "b", "c"]) await inject(text);
    const { messages, ...rest } = await history("MAIN", 2);
    expect(rest).toEqual({ sessionKey: "MAIN", sessionId });
    expect(messages.map((message) => message.content)).toEqual([
      [{ type: "text", text: "b" }],
      [{ type: "text", text: "c" }],
    ]);
  });

  it("tells the levels that were set for the session", async () => {
    const patch = { thinkingLevel: "low", verboseLevel: "on" };
    const outcome = await store.run("sessions.patch", { key: MAIN, sessionId: "s", at: 1, patch });
    if (outcome.state === "patched") sessions.noteCommitted(outcome.entry);
    expect(await history("main")).toEqual({ sessionKey: "main", sessionId: "s", messages: [], ...patch });
  });
});

describe("chat.inject", () => {
  it("refuses a session that does not exist", async () => {
    await expect(inject("x")).rejects.toMatchObject({ code: "INVALID_REQUEST", message: "session not found" });
    expect(published).toEqual([]);
  });

  it("appends the labelled text and publishes it as a final chat event", async () => {
    const { sessionId } = await sessions.ensure(MAIN, 1);
    const { messageId } = await inject("lunch", "note");
    const { messages } = await history("main");
    expect(messages).toMatchObject([
      { role: "assistant", content: [{ type: "text", text: "[note]\n\nlunch" }], timestamp: clock.now() },
    ]);
    expect(published).toEqual([
      {
        event: "chat",
        payload: {
          runId: `inject-${messageId}`,
          sessionKey: MAIN,
          agentId: "main",
          sessionId,
          seq: 0,
          state: "final",
          message: messages[0],
        },
      },
    ]);
  });

  it("keeps its order under load", async () => {
    await sessions.ensure(MAIN, 1);
    const asked = Array.from({ length: 500 }, (_, index) => `text ${index}`);
    await Promise.all(asked.map((text) => inject(text)));
    const { messages } = await history("main", 1000);
    expect(messages.map((message) => message.content)).toEqual(asked.map((text) => [{ type: "text", text }]));
    expect(published).toHaveLength(500);
  });
});

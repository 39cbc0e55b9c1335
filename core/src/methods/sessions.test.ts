import type { ParamsOf } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { connId, sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import type { Agents } from "../sessions/agents.ts";
import { createSessionChanges } from "../sessions/changes.ts";
import { openSessions, type Sessions } from "../sessions/sessions.ts";
import { openTestStore, type TestStore } from "../store/test-store.ts";
import { sessionMethods } from "./sessions.ts";

const AGENTS: Agents = {
  defaultId: "main",
  mainKey: "main",
  scope: "per-sender",
  profiles: [{ id: "main", model: "mock/m1", contextTokens: 1000 }],
};
const MAIN = sessionKey("agent:main:main");

let store: TestStore;
let clock: FakeClock;
let sessions: Sessions;
let methods: ReturnType<typeof sessionMethods>;
/** Ends the turn that makes the main session busy. */
let endTurn: (() => void) | undefined;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  let ids = 0;
  const counting = { uuid: () => `id-${++ids}` };
  sessions = await openSessions({ store, ids: counting });
  endTurn = undefined;
  const runs = {
    isBusy: () => endTurn !== undefined,
    idle: () =>
      new Promise<void>((resolve) => {
        endTurn = () => {
          endTurn = undefined;
          resolve();
        };
      }),
  };
  const changes = createSessionChanges({ store, sessions, runs, clock, ids: counting });
  methods = sessionMethods({ store, sessions, changes, clock, agents: () => AGENTS, storePath: store.path });
});

afterEach(() => store.dispose());

const context = (client: { id?: string; mode?: string } = {}): RequestContext => ({
  caller: {
    connId: connId("c"),
    role: "operator",
    scopes: ["operator.admin"],
    identity: "local-owner",
    client: { id: "cli", mode: "cli", version: "1", platform: "linux", ...client },
    caps: [],
    protocol: 3,
  },
  accepted: () => undefined,
  signal: new AbortController().signal,
});

const patch = (params: ParamsOf<"sessions.patch">, client?: { id?: string; mode?: string }) =>
  methods["sessions.patch"](params, context(client));
const list = (params: ParamsOf<"sessions.list"> = {}) => methods["sessions.list"](params, context());
const keys = async (params: ParamsOf<"sessions.list"> = {}) => (await list(params)).sessions.map((row) => row.key);
const say = async (key: string, text: string) =>
  sessions.noteCommitted(
    await store.run("sessions.append", {
      key: sessionKey(key),
      at: clock.now(),
      messages: [{ id: "m", message: { role: "user", content: text, timestamp: clock.now() } }],
    }),
  );

describe("sessions.list", () => {
  it("is empty at first, with the defaults of the default agent", async () => {
    expect(await list()).toEqual({
      ts: clock.now(),
      path: store.path,
      count: 0,
      defaults: { modelProvider: "mock", model: "m1", contextTokens: 1000 },
      sessions: [],
    });
  });

  it("shows the newest first, with title and last message only when asked", async () => {
    await say(MAIN, "hello");
    await clock.advance(10);
    await say("agent:main:b", "other");
    expect(await keys()).toEqual(["agent:main:b", MAIN]);
    expect(await keys({ limit: 1 })).toEqual(["agent:main:b"]);
    const [, plain] = (await list()).sessions;
    expect(plain).toMatchObject({ kind: "direct", model: "m1", modelProvider: "mock", totalTokensFresh: false });
    for (const hidden of ["rev", "title", "lastMessage", "derivedTitle"]) expect(plain).not.toHaveProperty(hidden);
    const [, full] = (await list({ includeDerivedTitles: true, includeLastMessage: true })).sessions;
    expect(full).toMatchObject({ derivedTitle: "hello", lastMessagePreview: "hello" });
  });

  it("narrows by activity, label, agent, parent and words", async () => {
    await say("agent:main:old", "x");
    await clock.advance(120_000);
    await patch({ key: "agent:work:child", label: "Garden", spawnedBy: MAIN });
    for (const narrow of [
      { activeMinutes: 1 },
      { label: "Garden" },
      { agentId: "Work" },
      { spawnedBy: MAIN },
      { search: "gARD" },
      { search: "work:ch" },
    ]) {
      expect(await keys(narrow), JSON.stringify(narrow)).toEqual(["agent:work:child"]);
    }
    expect(await keys({ search: "nowhere" })).toEqual([]);
  });

  it("leaves out global and unknown unless asked", async () => {
    await say("global", "x");
    await say("unknown", "x");
    expect(await keys()).toEqual([]);
    expect(await keys({ includeGlobal: true })).toEqual(["global"]);
    expect(await keys({ includeUnknown: true })).toEqual(["unknown"]);
  });
});

describe("sessions.preview", () => {
  it("tells missing, empty, unreadable and filled sessions apart, under the keys as sent", async () => {
    await say(MAIN, "hello");
    await patch({ key: "quiet", label: "q" });
    const result = await methods["sessions.preview"]({ keys: ["main", "quiet", "nope", "agent:"] }, context());
    expect(result.previews).toEqual([
      { key: "main", status: "ok", items: [{ role: "user", text: "hello" }] },
      { key: "quiet", status: "empty", items: [] },
      { key: "nope", status: "missing", items: [] },
      { key: "agent:", status: "error", items: [] },
    ]);
  });

  it("answers the first 64 keys", async () => {
    const asked = Array.from({ length: 80 }, (_, index) => `k${index}`);
    expect((await methods["sessions.preview"]({ keys: asked }, context())).previews).toHaveLength(64);
  });
});

describe("sessions.resolve", () => {
  const resolve = async (params: ParamsOf<"sessions.resolve">) => methods["sessions.resolve"](params, context());

  it("finds a session by key, id or label", async () => {
    const { entry } = await patch({ key: "main", label: "home" });
    expect(await resolve({ key: "MAIN" })).toEqual({ ok: true, key: MAIN });
    expect(await resolve({ sessionId: entry.sessionId })).toEqual({ ok: true, key: MAIN });
    expect(await resolve({ label: "home" })).toEqual({ ok: true, key: MAIN });
  });

  it.each([
    [{}, "Either key, sessionId, or label is required"],
    [{ key: "main", label: "x" }, "Provide either key, sessionId, or label, not several"],
    [{ key: "main" }, "No session found: main"],
    [{ sessionId: "s-9" }, "No session found: s-9"],
    [{ label: "x" }, "No session found with label: x"],
    [{ key: "agent:" }, 'malformed session key "agent:"'],
  ])("refuses %j", async (params, message) => {
    await expect(resolve(params)).rejects.toMatchObject({ code: "INVALID_REQUEST", message });
  });

  it("does not find a session of another agent", async () => {
    await patch({ key: "main", label: "home" });
    await expect(resolve({ label: "home", agentId: "work" })).rejects.toThrow("No session found with label: home");
  });
});

describe("sessions.patch", () => {
  it("creates the session, returns the record and the model that will run", async () => {
    const result = await patch({ key: "main", thinkingLevel: "low", responseUsage: "on" });
    expect(result).toEqual({
      ok: true,
      path: store.path,
      key: MAIN,
      entry: {
        sessionId: "id-1",
        createdAt: clock.now(),
        updatedAt: clock.now(),
        thinkingLevel: "low",
        responseUsage: "tokens",
      },
      resolved: { modelProvider: "mock", model: "m1" },
    });
    const changed = await patch({ key: "main", thinkingLevel: null, model: "other/m2" });
    expect(changed.entry).not.toHaveProperty("thinkingLevel");
    expect(changed.resolved).toEqual({ modelProvider: "other", model: "m2" });
    expect(sessions.get(MAIN)?.model).toBe("other/m2");
  });

  it("refuses a label in use", async () => {
    await patch({ key: "main", label: "home" });
    await expect(patch({ key: "b", label: "home" })).rejects.toThrow("label already in use: home");
  });

  it.each([{ mode: "webchat" }, { id: "webchat-ui" }])("is refused to webchat clients (%j)", async (client) => {
    await expect(patch({ key: "main", label: "x" }, client)).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: "webchat clients cannot patch sessions; use chat.send for session-scoped updates",
    });
    await expect(methods["sessions.delete"]({ key: "b" }, context(client))).rejects.toThrow(
      "webchat clients cannot delete sessions; use chat.send for session-scoped updates",
    );
  });
});

describe("sessions.reset", () => {
  const reset = () => methods["sessions.reset"]({ key: "main" }, context());

  it("gives the key a new session id and an empty transcript", async () => {
    await say(MAIN, "before");
    const before = sessions.get(MAIN)?.sessionId;
    const { key, entry } = await reset();
    expect(key).toBe(MAIN);
    expect(entry.sessionId).not.toBe(before);
    expect(sessions.get(MAIN)?.sessionId).toBe(entry.sessionId);
    expect(await sessions.history(MAIN, 10)).toEqual([]);
  });

  it("waits for the running turn to end", async () => {
    endTurn = () => undefined;
    const waiting = reset();
    await clock.advance(14_000);
    endTurn();
    expect((await waiting).ok).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("gives up after 15 s", async () => {
    endTurn = () => undefined;
    const waiting = expect(reset()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "Session agent:main:main is still active; try again in a moment.",
      options: { retryable: true },
    });
    await clock.advance(15_000);
    await waiting;
    expect(sessions.get(MAIN)).toBeUndefined();
  });
});

describe("sessions.delete", () => {
  const remove = (params: ParamsOf<"sessions.delete">) => methods["sessions.delete"](params, context());

  it("removes the session and names the archived transcript", async () => {
    await say("agent:main:b", "x");
    const { archived, ...result } = await remove({ key: "b" });
    expect(result).toEqual({ ok: true, key: "agent:main:b", deleted: true });
    expect(archived).toEqual([expect.stringMatching(/^[0-9a-f-]{36}\.jsonl\.deleted\.2023-/)]);
    expect(await keys()).toEqual([]);
    expect(await remove({ key: "b" })).toEqual({ ok: true, key: "agent:main:b", deleted: false, archived: [] });
  });

  it("archives nothing when the transcript is to stay", async () => {
    await say("agent:main:b", "x");
    expect(await remove({ key: "b", deleteTranscript: false })).toMatchObject({ deleted: true, archived: [] });
  });

  it("refuses the main session", async () => {
    await expect(remove({ key: "main" })).rejects.toThrow("Cannot delete the main session (agent:main:main).");
  });
});

describe("sessions.subscribe", () => {
  it("answers ok", async () => {
    expect(await methods["sessions.subscribe"]({}, context())).toEqual({ ok: true });
  });
});

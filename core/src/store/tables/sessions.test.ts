import { DatabaseSync } from "node:sqlite";
import type { TranscriptMessage } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { openTestStore, type TestStore } from "../test-store.ts";

const KEY = sessionKey("agent:main:main");
const OTHER = sessionKey("agent:main:telegram:group:-100");

let store: TestStore;

beforeEach(async () => {
  store = await openTestStore();
});

afterEach(() => store.dispose());

const said = (role: TranscriptMessage["role"], text: string): TranscriptMessage => ({
  role,
  content: text,
  timestamp: 1,
});
const append = (messages: TranscriptMessage[], options: { key?: typeof KEY; at?: number } = {}) =>
  store.run("sessions.append", {
    key: options.key ?? KEY,
    at: options.at ?? 1,
    messages: messages.map((message, index) => ({ id: `m${index}`, message })),
  });
const texts = async (sessionId: string, limit = 100) =>
  (await store.run("sessions.history", { sessionId, limit })).map((json) => JSON.parse(json).content);

describe("appending", () => {
  it("creates the session, with the first user text as title and the newest text as preview", async () => {
    const entry = await append([said("user", "first"), said("assistant", "second"), said("toolResult", "third")], {
      at: 7,
    });
    expect(entry).toMatchObject({
      key: KEY,
      kind: "direct",
      createdAt: 7,
      updatedAt: 7,
      title: "first",
      lastMessage: "second",
      sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const later = await append([said("user", "x".repeat(300))], { at: 9 });
    expect(later).toMatchObject({ sessionId: entry.sessionId, title: "first", updatedAt: 9 });
    expect(later.lastMessage).toHaveLength(240);
    expect(later.rev).toBeGreaterThan(entry.rev);
  });

  it("writes the facts of the run onto the entry", async () => {
    const facts = { lastChannel: "telegram", lastTo: "42", totalTokens: 15 };
    const entry = await store.run("sessions.append", { key: OTHER, sessionId: "given", at: 1, messages: [], facts });
    expect(entry).toMatchObject({ ...facts, sessionId: "given", kind: "group" });
  });

  it("injects into an existing session only", async () => {
    const inject = () =>
      store.run("sessions.inject", { key: KEY, at: 1, messages: [{ id: "i", message: said("assistant", "hi") }] });
    expect(await inject()).toBeUndefined();
    await store.run("sessions.ensure", { key: KEY, sessionId: "s", at: 1 });
    expect(await inject()).toMatchObject({ sessionId: "s", lastMessage: "hi" });
  });
});

describe("reading a transcript", () => {
  it("gives the newest messages, oldest first", async () => {
    const { sessionId } = await append(["a", "b", "c", "d"].map((text) => said("user", text)));
    expect(await texts(sessionId)).toEqual(["a", "b", "c", "d"]);
    expect(await texts(sessionId, 2)).toEqual(["c", "d"]);
    expect(await texts("unknown")).toEqual([]);
  });

  it("keeps the whole list within 6 MiB by leaving out the oldest", async () => {
    const block = { type: "text" as const, text: "x".repeat(12_000) };
    const big: TranscriptMessage = {
      role: "assistant",
      content: Array.from({ length: 10 }, () => block),
      timestamp: 1,
    };
    const { sessionId } = await append([said("user", "old"), ...Array.from({ length: 60 }, () => big)]);
    const page = await store.run("sessions.history", { sessionId, limit: 1000 });
    expect(page.length).toBe(52);
    expect(Buffer.byteLength(`[${page.join(",")}]`)).toBeLessThanOrEqual(6 * 1024 * 1024);
    expect(page.join("")).not.toContain("old");
  });

  it("gives an agent the stored messages within its budget of bytes", async () => {
    const { sessionId } = await append([said("user", "old"), said("user", "x".repeat(500)), said("user", "new")]);
    const read = (maxBytes: number) => store.run("sessions.transcript", { sessionId, limit: 10, maxBytes });
    expect(await read(10_000)).toHaveLength(3);
    expect(await read(400)).toEqual([JSON.stringify(said("user", "new"))]);
    expect(await read(10)).toEqual([]);
  });

  it("previews several sessions in the order asked, without empty messages", async () => {
    const one = await append([said("user", "question"), said("toolResult", "data"), said("assistant", "")]);
    const two = await append([said("assistant", "y".repeat(50))], { key: OTHER });
    const sessionIds = [two.sessionId, "none", one.sessionId];
    expect(await store.run("sessions.recent", { sessionIds, limit: 12, maxChars: 20 })).toEqual([
      [{ role: "assistant", text: `${"y".repeat(19)}…` }],
      [],
      [
        { role: "user", text: "question" },
        { role: "tool", text: "data" },
      ],
    ]);
  });
});

describe("changing a session", () => {
  it("sets and clears what a patch names, and creates the session when there is none", async () => {
    const patch = async (changes: object, at: number) => {
      const outcome = await store.run("sessions.patch", { key: KEY, sessionId: "new", at, patch: changes });
      if (outcome.state !== "patched") throw new Error(outcome.state);
      return outcome.entry;
    };
    expect(await patch({ thinkingLevel: "low", label: "home" }, 5)).toMatchObject({
      sessionId: "new",
      thinkingLevel: "low",
      label: "home",
      createdAt: 5,
    });
    const cleared = await patch({ thinkingLevel: null, verboseLevel: undefined, model: "a/b" }, 6);
    expect(cleared).toMatchObject({ label: "home", model: "a/b", updatedAt: 6 });
    expect(cleared).not.toHaveProperty("thinkingLevel");
  });

  it("refuses a label that another session has, but not the session's own", async () => {
    const label = (key: typeof KEY) =>
      store.run("sessions.patch", { key, sessionId: key, at: 1, patch: { label: "home" } });
    expect((await label(KEY)).state).toBe("patched");
    expect((await label(KEY)).state).toBe("patched");
    expect(await label(OTHER)).toEqual({ state: "label-taken", label: "home" });
  });

  it("resets to an empty transcript, keeps the settings and archives the old one", async () => {
    const old = await append([said("user", "before")]);
    await store.run("sessions.patch", { key: KEY, sessionId: "-", at: 1, patch: { label: "home" } });
    const entry = await store.run("sessions.reset", { key: KEY, sessionId: "fresh", at: 1_700_000_000_000 });
    expect(entry).toMatchObject({ sessionId: "fresh", label: "home", systemSent: false, abortedLastRun: false });
    expect(entry).not.toHaveProperty("title");
    expect(await texts("fresh")).toEqual([]);
    expect(await texts(old.sessionId)).toEqual(["before"]);
    await store.close();
    const db = new DatabaseSync(store.path);
    expect(db.prepare("SELECT key, reason, name FROM archived_sessions").all()).toMatchObject([
      { key: KEY, reason: "reset", name: `${old.sessionId}.jsonl.reset.2023-11-14T22-13-20.000Z` },
    ]);
    db.close();
  });

  it("deletes the session and says how its transcript is archived", async () => {
    const { sessionId, rev } = await append([said("user", "before")]);
    const remove = (archive: boolean) => store.run("sessions.delete", { key: KEY, at: 0, archive });
    const deletion = await remove(true);
    expect(deletion?.archived).toEqual([`${sessionId}.jsonl.deleted.1970-01-01T00-00-00.000Z`]);
    expect(deletion?.rev).toBeGreaterThan(rev);
    expect(await remove(true)).toBeUndefined();
    expect(await store.run("sessions.load", { after: "", limit: 10 })).toEqual([]);
    await append([said("user", "again")]);
    expect((await remove(false))?.archived).toEqual([]);
  });
});

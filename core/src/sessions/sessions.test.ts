import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { systemIds } from "../base/ids.ts";
import { openTestStore, type TestStore } from "../store/test-store.ts";
import { openSessions } from "./sessions.ts";

const MAIN = sessionKey("agent:main:main");

let store: TestStore;

beforeEach(async () => {
  store = await openTestStore();
});

afterEach(() => store.dispose());

describe("the sessions", () => {
  it("are all there after a restart, however many", async () => {
    const made = Array.from({ length: 2500 }, (_, index) => sessionKey(`agent:main:s${index}`));
    await Promise.all(made.map((key) => store.run("sessions.ensure", { key, sessionId: systemIds.uuid(), at: 1 })));
    const sessions = await openSessions({ store, ids: systemIds });
    expect(new Set(sessions.list().map((entry) => entry.key))).toEqual(new Set(made));
  });

  it("are made once, even when two ask at the same time", async () => {
    const sessions = await openSessions({ store, ids: systemIds });
    const [one, two] = await Promise.all([sessions.ensure(MAIN, 5), sessions.ensure(MAIN, 6)]);
    expect(two.sessionId).toBe(one.sessionId);
    expect(sessions.get(MAIN)).toEqual(one);
    expect((await sessions.ensure(MAIN, 7)).createdAt).toBe(5);
  });

  it("give an agent the stored messages and a client the shown ones", async () => {
    const sessions = await openSessions({ store, ids: systemIds });
    expect([await sessions.history(MAIN, 5), await sessions.shown(MAIN, 5)]).toEqual([[], []]);
    const text = "x".repeat(20_000);
    const messages = [{ id: "m", message: { role: "user" as const, content: text, timestamp: 1 } }];
    sessions.noteCommitted(await store.run("sessions.append", { key: MAIN, at: 1, messages }));
    expect((await sessions.history(MAIN, 5))[0]?.content).toBe(text);
    expect((await sessions.shown(MAIN, 5))[0]?.content).toHaveLength(12_018);
  });

  it("forget a deleted session", async () => {
    const sessions = await openSessions({ store, ids: systemIds });
    const entry = await sessions.ensure(MAIN, 1);
    sessions.noteDeleted(MAIN, entry.rev + 1);
    expect(sessions.list()).toEqual([]);
  });
});

import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { openTestStore, type TestStore } from "../test-store.ts";

let store: TestStore;

beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.dispose());

const keyOf = (name: string) => sessionKey(`agent:main:${name}`);

async function say(name: string, text: string, at: number): Promise<void> {
  const message = { role: "user" as const, content: text, timestamp: at };
  await store.run("sessions.append", { key: keyOf(name), sessionId: name, at, messages: [{ id: text, message }] });
}

async function texts(name: string): Promise<unknown[]> {
  const rows = await store.run("sessions.transcript", { sessionId: name, limit: 50, maxBytes: 10_000 });
  return rows.map((json) => (JSON.parse(json) as { content: unknown }).content);
}

function count(table: "transcript_ids" | "archived_sessions"): unknown {
  const db = new DatabaseSync(store.path, { readOnly: true });
  const row = db.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get();
  db.close();
  return row?.["count"];
}

const tidy = (after: number, limit = 50) => store.run("upkeep.transcripts", { after, limit, before: 100, now: 200 });

describe("the transcripts of many sessions", () => {
  it("stay apart and in order, however their messages come in between", async () => {
    for (let round = 0; round < 5; round += 1)
      for (const name of ["a", "b", "c"]) await say(name, `${name}${round}`, round);
    expect(await texts("a")).toEqual(["a0", "a1", "a2", "a3", "a4"]);
    expect(await texts("c")).toEqual(["c0", "c1", "c2", "c3", "c4"]);
    expect(await texts("never")).toEqual([]);
  });

  it("come with a run only when the page is small", async () => {
    await say("a", "x".repeat(1_000), 1);
    const run = {
      door: "agent" as const,
      identity: "i",
      digest: "d",
      sessionKey: keyOf("a"),
      agentId: "main",
      request: "{}",
    };
    const accept = async (runId: string, text: string) => {
      const message = { id: runId, message: { role: "user" as const, content: text, timestamp: 2 } };
      const accepted = await store.run("runs.accept", { ...run, runId, sessionId: "a", message, at: 2, history: 50 });
      const outcome = { state: "done" as const, text: "", media: [], startedAt: 2, endedAt: 2 };
      await store.run("runs.close", { runId, outcome, intents: [], inbox: { state: "done" }, at: 2 });
      return accepted.history?.length;
    };
    expect(await accept("r1", "short")).toBe(2);
    expect(await accept("r2", "é".repeat(40_000))).toBeUndefined();
  });

  it("are tidied one after the other: a young message hides nothing old of the next session", async () => {
    await say("a", "old a", 1);
    await say("a", "young a", 150);
    await say("b", "old b", 2);
    await say("b", "of the future", 900);
    await say("b", "old again", 3);
    expect(await tidy(0)).toEqual({ removed: 3 });
    expect([await texts("a"), await texts("b")]).toEqual([["young a"], ["of the future"]]);
  });

  it("are tidied in steps that look at no more rows than asked for", async () => {
    for (const name of ["a", "b", "c"]) await say(name, name, 1);
    const first = await tidy(0, 2);
    expect(first).toMatchObject({ removed: 2, next: expect.any(Number) });
    expect(await tidy(first.next ?? 0, 2)).toEqual({ removed: 1 });
  });

  it("of ended sessions are forgotten whole, and a number never comes back", async () => {
    await say("a", "kept", 150);
    await say("b", "gone", 1);
    await store.run("sessions.reset", { key: keyOf("b"), sessionId: "b2", at: 2 });
    expect([count("transcript_ids"), count("archived_sessions")]).toEqual([2, 1]);
    await tidy(0);
    expect([count("transcript_ids"), count("archived_sessions")]).toEqual([1, 0]);
    await say("d", "new", 150);
    expect(await texts("d")).toEqual(["new"]);
    expect(await texts("b")).toEqual([]);
  });
});

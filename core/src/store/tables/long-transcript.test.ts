import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { openTestStore, type TestStore } from "../test-store.ts";

const MESSAGES = 100_000;
const BATCH = 1_000;
/** Messages of one page of `chat.history` when nobody asks for another number. */
const PAGE = 200;

let store: TestStore;

beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.dispose());

describe("a transcript of 100,000 messages", () => {
  it("shows its newest page, and its preview, in under 20 ms", async () => {
    const key = sessionKey("agent:main:main");
    for (let from = 0; from < MESSAGES; from += BATCH) {
      const messages = Array.from({ length: BATCH }, (_, index) => ({
        id: `m${from + index}`,
        message: { role: "user" as const, content: `message ${from + index} ${"x".repeat(200)}`, timestamp: 1 },
      }));
      await store.run("sessions.append", { key, sessionId: "s", at: from, messages });
    }
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const startedAt = performance.now();
      const page = await store.run("sessions.history", { sessionId: "s", limit: PAGE });
      await store.run("sessions.recent", { sessionIds: ["s"], limit: 12, maxChars: 240 });
      times.push(performance.now() - startedAt);
      expect(JSON.parse(page.at(-1) ?? "{}")).toMatchObject({ content: expect.stringMatching(/^message 99999 /u) });
    }
    const median = times.toSorted((a, b) => a - b)[times.length / 2];
    expect(median).toBeLessThan(20);
  }, 60_000);
});

import { join } from "node:path";
import type { TranscriptMessage } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { createProblems, type Problems } from "../../base/problems.ts";
import { openStore, type Store } from "../db.ts";
import { watchDisk } from "./disk-watch.ts";
import type { Fault } from "./faults.ts";
import { createTestFaults, FULL, ROOM, type TestFaults } from "../test-faults.ts";
import { makeTestDir, silentLog, type TestDir } from "../test-store.ts";

const KEY = sessionKey("agent:main:main");

let dir: TestDir;
let clock: FakeClock;
let problems: Problems;
let faults: TestFaults;
let store: Store;

beforeEach(async () => {
  dir = makeTestDir();
  clock = createFakeClock();
  problems = createProblems(clock);
  faults = createTestFaults();
  const options = { path: join(dir.path, "host.db"), log: silentLog, onFatal: () => {}, faults: faults.port };
  store = watchDisk({ store: await openStore(options), clock, log: silentLog, problems });
});

afterEach(async () => {
  await store.close();
  dir.remove();
});

const append = (id: string, text = "x".repeat(8_000)) => {
  const message: TranscriptMessage = { role: "user", content: text, timestamp: 1 };
  return store.run("sessions.append", { key: KEY, sessionId: "s", at: 1, messages: [{ id, message }] });
};
const stored = async () => (await store.run("sessions.history", { sessionId: "s", limit: 1000 })).length;
const claim = () => store.run("outbox.claim", { channel: "x", account: "a", now: 1, limit: 1 });

/** Writes until the disk refuses; returns how many were acknowledged. */
async function fill(): Promise<number> {
  for (let count = 0; ; count += 1) {
    try {
      await append(`m${count}`);
    } catch (error) {
      expect(error).toMatchObject({ name: "StoreError", kind: "full" });
      return count;
    }
  }
}

async function recovers(): Promise<void> {
  while (problems.list().length > 0) await clock.advance(2_000);
}

describe("a full disk", () => {
  it("loses nothing that was acknowledged, begins nothing new, and works again by itself when there is room", async () => {
    await append("before");
    await faults.inject(FULL);
    const acknowledged = 1 + (await fill());
    expect(problems.list()).toMatchObject([{ part: "disk", reason: expect.stringContaining("free some space") }]);
    await expect(claim()).rejects.toMatchObject({ kind: "full" });
    await clock.advance(10_000);
    expect(problems.list()).toHaveLength(1);
    expect(await stored()).toBe(acknowledged);
    await faults.inject(ROOM);
    await recovers();
    await append("after");
    expect(await stored()).toBe(acknowledged + 1);
    expect(await claim()).toEqual({ claims: [] });
  });

  it("tries to store the end of what was begun", async () => {
    await faults.inject(FULL);
    await fill();
    // Needs no new page.
    await expect(store.run("outbox.recover", { now: 1, latest: 1 })).resolves.toBe(0);
  });
});

describe("a failing disk", () => {
  it.each<[string, Fault, Fault]>([
    ["read-only", { pragma: "query_only = 1" }, { pragma: "query_only = 0" }],
    ["unwritable", { failing: true }, { failing: false }],
  ])("that is %s is told and heals", async (_title, broken, whole) => {
    await append("before");
    await faults.inject(broken);
    await expect(append("lost")).rejects.toMatchObject({ kind: "io" });
    expect(problems.list()).toMatchObject([{ part: "disk", reason: expect.stringContaining("check the disk") }]);
    await faults.inject(whole);
    await recovers();
    await append("after");
    expect(await stored()).toBe(2);
  });

  it("that is only slow is waited for", async () => {
    await faults.inject({ slowMs: 300 });
    await Promise.all([append("1"), append("2")]);
    expect(problems.list()).toEqual([]);
  });
});

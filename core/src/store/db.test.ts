import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TranscriptMessage } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { openStore } from "./db.ts";
import { makeTestDir, openTestStore, silentLog, type TestStore } from "./test-store.ts";

const KEY = sessionKey("agent:main:main");
const message = (text: string): TranscriptMessage => ({ role: "user", content: text, timestamp: 1 });
const append = (store: TestStore, id: string, text = id) =>
  store.run("sessions.append", { key: KEY, at: 1, messages: [{ id, message: message(text) }] });

let store: TestStore;

beforeEach(async () => {
  store = await openTestStore();
});

afterEach(() => store.dispose());

describe("the store", () => {
  it("answers writes in the order they were asked for", async () => {
    const order: number[] = [];
    const entries = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const entry = await append(store, `m${index}`);
        order.push(index);
        return entry;
      }),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(entries.map((entry) => entry.rev)).toEqual(entries.map((_, index) => index + 1));
  });

  it("lets others have their turn while it answers many", async () => {
    let answered = 0;
    let most = 0;
    let watching = true;
    const watch = (before: number): void => {
      most = Math.max(most, answered - before);
      const now = answered;
      if (watching) setImmediate(() => watch(now));
    };
    watch(0);
    await Promise.all(Array.from({ length: 500 }, (_, index) => append(store, `m${index}`).then(() => answered++)));
    watching = false;
    expect(answered).toBe(500);
    // One portion when the results come, one after it.
    expect(most).toBeLessThanOrEqual(64);
  });

  it("answers everything before it is closed", async () => {
    let answered = 0;
    const asked = Array.from({ length: 300 }, (_, index) => append(store, `m${index}`).then(() => answered++));
    await store.close();
    expect(answered).toBe(300);
    await Promise.all(asked);
  });

  it("shows a read what was answered before", async () => {
    const { sessionId } = await append(store, "m1");
    await append(store, "m2");
    const texts = await store.run("sessions.transcript", { sessionId, limit: 10, maxBytes: 1000 });
    expect(texts.map((text) => JSON.parse(text).content)).toEqual(["m1", "m2"]);
  });

  it("keeps what it answered when it is opened again", async () => {
    const { sessionId } = await append(store, "m1");
    await store.close();
    const again = await openStore({ path: store.path, log: silentLog, onFatal: () => undefined });
    const [entry] = await again.run("sessions.load", { after: "", limit: 10 });
    expect(entry).toMatchObject({ key: KEY, sessionId });
    await again.close();
  });

  it("finishes what was asked for before it closes, and refuses afterwards", async () => {
    const asked = Array.from({ length: 50 }, (_, index) => append(store, `m${index}`));
    const closed = store.close();
    await expect(append(store, "late")).rejects.toMatchObject({ name: "StoreError", kind: "closed" });
    expect(await Promise.all(asked)).toHaveLength(50);
    await closed;
    await store.close();
    await expect(append(store, "later")).rejects.toMatchObject({ kind: "closed" });
    expect(store.fatal).toEqual([]);
    const db = new DatabaseSync(store.path);
    expect(db.prepare("SELECT count(*) AS n FROM transcripts").get()).toMatchObject({ n: 50 });
    db.close();
  });

  it("refuses arguments that cannot cross threads without disturbing the other calls", async () => {
    const good = append(store, "good");
    const bad = store.run("sessions.append", {
      key: KEY,
      at: 1,
      messages: [{ id: "bad", message: { ...message("x"), extra: () => 1 } }],
    });
    await expect(bad).rejects.toMatchObject({ name: "StoreError", kind: "bug" });
    expect((await good).lastMessage).toBe("good");
    expect((await append(store, "next")).lastMessage).toBe("next");
  });

  it("refuses arguments that are too large to hold in memory", async () => {
    await expect(append(store, "huge", "x".repeat(33 * 1024 * 1024))).rejects.toMatchObject({ kind: "bug" });
  });

  it("survives many large messages at once", async () => {
    const text = `ü${"x".repeat(10 * 1024 * 1024)}`;
    await Promise.all(Array.from({ length: 8 }, (_, index) => append(store, `m${index}`, text)));
    const entry = await append(store, "last");
    const { sessionId } = entry;
    const pages = await Promise.all(
      Array.from({ length: 10 }, () => store.run("sessions.history", { sessionId, limit: 1000 })),
    );
    expect(pages.map((page) => page.length)).toEqual(Array.from({ length: 10 }, () => 9));
    expect(store.fatal).toEqual([]);
  }, 60_000);

  it("keeps its files for this user alone, whatever the umask", async () => {
    const dir = makeTestDir();
    const before = process.umask(0);
    const path = join(dir.path, "state", "host.db");
    const open = await openStore({ path, log: silentLog, onFatal: () => undefined });
    process.umask(before);
    await open.run("sessions.ensure", { key: KEY, sessionId: "s", at: 1 });
    expect(statSync(join(dir.path, "state")).mode & 0o777).toBe(0o700);
    for (const name of ["host.db", "host.db-wal", "host.db-shm"]) {
      expect(statSync(join(dir.path, "state", name)).mode & 0o777).toBe(0o600);
    }
    await open.close();
    dir.remove();
  });

  it("refuses a file that is no database, saying what to do", async () => {
    const dir = makeTestDir();
    const path = join(dir.path, "host.db");
    writeFileSync(path, "this is a diary, not a database. ".repeat(100));
    const opened = openStore({ path, log: silentLog, onFatal: () => undefined });
    await expect(opened).rejects.toMatchObject({
      name: "StoreError",
      kind: "corrupt",
      message: expect.stringContaining("openclaw backup restore"),
    });
    dir.remove();
  });

  it("refuses a folder that it cannot make", async () => {
    const dir = makeTestDir();
    writeFileSync(join(dir.path, "file"), "");
    const opened = openStore({ path: join(dir.path, "file", "host.db"), log: silentLog, onFatal: () => undefined });
    await expect(opened).rejects.toMatchObject({ name: "StoreError", kind: "io" });
    expect(existsSync(join(dir.path, "file", "host.db"))).toBe(false);
    dir.remove();
  });
});

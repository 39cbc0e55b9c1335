import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Inbound } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../db.ts";
import { describeFailure } from "../store-error.ts";
import { makeTestDir, openTestStore, silentLog, type TestDir, type TestStore } from "../test-store.ts";
import { openFile } from "./open-file.ts";

let store: TestStore;
let dir: TestDir;

beforeEach(async () => {
  store = await openTestStore();
  dir = makeTestDir();
});
afterEach(async () => {
  await store.dispose();
  dir.remove();
});

const EVENTS = 10;

/** One event as a platform delivers it, and the cursor behind it: the transaction that must be whole or not there. */
const receive = (id: string, hasEvent = true) =>
  store.run("inbox.receive", {
    channel: "x",
    account: "a",
    lease: "bot",
    at: 1,
    album: { quietMs: 1, maxMs: 1 },
    keepUntil: 1,
    cursor: id,
    entries: hasEvent ? [{ eventId: id, lane: "lane", event: message(id) }] : [],
  });
const PEER = { kind: "dm", id: "1" } as const;
const message = (id: string): Inbound => ({
  type: "message",
  eventId: id,
  at: 1,
  messageId: id,
  peer: PEER,
  from: PEER,
  body: { text: id },
});

/** What the database says there is, over a connection of its own. */
function contentOf(path: string): { readonly events: unknown; readonly cursor: unknown } {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA synchronous = OFF");
    const events = db.prepare("SELECT COUNT(*) AS n FROM inbox").get()?.["n"];
    return { events, cursor: db.prepare("SELECT cursor FROM inbox_cursors").get()?.["cursor"] };
  } finally {
    db.close();
  }
}

function isSound(path: string): boolean {
  const db = new DatabaseSync(path);
  try {
    return db.prepare("PRAGMA integrity_check").get()?.["integrity_check"] === "ok";
  } finally {
    db.close();
  }
}

/** Empties the write-ahead log, so that what is written next stands alone in it. */
function checkpoint(): void {
  const db = new DatabaseSync(store.path);
  expect(db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()).toMatchObject({ busy: 0 });
  db.close();
}

const PAGE = 4096;
/** Bytes. Source: https://www.sqlite.org/fileformat.html#walformat */
const [LOG_HEADER, FRAME_HEADER] = [32, 24];

function isTelling(size: number): boolean {
  const at = (size - LOG_HEADER) % (FRAME_HEADER + PAGE);
  return at <= FRAME_HEADER || at % 16 === 0;
}

/** Every size up to past the smallest page there may be, a step through the first two pages, then around every page's end. */
function sizes(length: number): number[] {
  return Array.from({ length }, (_, size) => size).filter(
    (size) => size < 600 || (size < 2 * PAGE && size % 61 === 0) || [0, 1, PAGE / 2, PAGE - 1].includes(size % PAGE),
  );
}

const BEFORE = { events: EVENTS, cursor: `m${EVENTS - 1}` };

describe("a database that was cut short", () => {
  it.each<[string, boolean, (size: number) => boolean]>([
    ["at whichever byte of a small one", false, () => true],
    // Of a large one, tens of thousands of bytes would take longer than they tell: a page is only ever taken as a whole.
    ["at whichever byte of a frame's header, or 16th of a page, of an event", true, (size) => isTelling(size)],
  ])(
    "has every earlier transaction and nothing of the last one when it is cut %s",
    async (_where, hasEvent, isCut) => {
      for (let index = 0; index < EVENTS; index += 1) await receive(`m${index}`);
      checkpoint();
      await receive("last", hasEvent);
      const wal = readFileSync(`${store.path}-wal`);
      const path = join(dir.path, "host.db");
      copyFileSync(store.path, path);
      const file = readFileSync(path);
      const cuts = Array.from({ length: wal.length }, (_, size) => size).filter(isCut);
      expect(cuts.length).toBeGreaterThan(1_000);
      for (const size of cuts) {
        writeFileSync(`${path}-wal`, wal.subarray(0, size));
        const found = contentOf(path);
        // Compared without a matcher: there are thousands of them.
        if (JSON.stringify(found) !== JSON.stringify(BEFORE)) expect({ size, found }).toEqual({ size, found: BEFORE });
      }
      expect(readFileSync(path).equals(file)).toBe(true);
      expect(isSound(path)).toBe(true);
      writeFileSync(`${path}-wal`, wal);
      expect(contentOf(path)).toEqual({ events: EVENTS + Number(hasEvent), cursor: "last" });
      expect(isSound(path)).toBe(true);
    },
    60_000,
  );

  it("is refused with what to do when the file itself lost its end or its beginning, and is left as it is", async () => {
    await receive("m");
    await store.close();
    const whole = readFileSync(store.path);
    expect(whole.length).toBeGreaterThan(20 * PAGE);
    const path = join(dir.path, "host.db");
    const refusalOf = (file: Uint8Array): unknown => {
      writeFileSync(path, file);
      for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
      try {
        openFile({ path, mustExist: true }).close();
        return "opened";
      } catch (error) {
        return describeFailure(error);
      }
    };
    const refused = {
      kind: "corrupt",
      message: expect.stringContaining("run: openclaw backup restore FILE"),
    };
    for (const size of sizes(whole.length)) {
      expect({ size, refusal: refusalOf(whole.subarray(0, size)) }).toMatchObject({ size, refusal: refused });
      expect(statSync(path).size).toBe(size);
    }
    const headless = Buffer.from(whole);
    headless.fill(0, 0, 100);
    expect(refusalOf(headless)).toMatchObject(refused);
    expect(refusalOf(whole)).toBe("opened");
  }, 60_000);

  it("is refused by the gateway's own door, and not made anew when it is gone", async () => {
    await receive("m");
    await store.close();
    for (const size of [0, 5_000]) {
      truncateSync(store.path, size);
      const options = { path: store.path, mustExist: true, log: silentLog, onFatal: () => {} };
      await expect(openStore(options)).rejects.toMatchObject({
        kind: "corrupt",
        message: expect.stringContaining("run: openclaw backup restore FILE"),
      });
      expect(statSync(store.path).size).toBe(size);
      if (size === 0) writeFileSync(store.path, Buffer.alloc(5_000, 1));
    }
  });
});

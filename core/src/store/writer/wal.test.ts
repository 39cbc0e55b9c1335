import { copyFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { openStore } from "../db.ts";
import { makeTestDir, openTestStore, silentLog, type TestDir, type TestStore } from "../test-store.ts";

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

const append = (id: string) =>
  store.run("sessions.append", {
    key: sessionKey("agent:main:main"),
    sessionId: "s",
    at: 1,
    messages: [{ id, message: { role: "user", content: id, timestamp: 1 } }],
  });
const walSize = () => statSync(`${store.path}-wal`).size;

function countOf(path: string): unknown {
  const db = new DatabaseSync(path);
  try {
    return db.prepare("SELECT COUNT(*) AS n FROM transcripts").get()?.["n"];
  } finally {
    db.close();
  }
}

/** Offsets to cut at: around every frame of the log, and a step through the rest. */
function cuts(from: number, to: number): number[] {
  const [header, frame] = [32, 24 + 4096];
  const all = Array.from({ length: to - from }, (_, index) => from + index);
  return all.filter((at) => (at - from) % 251 === 0 || Math.abs(((at - header) % frame) - frame / 2) > frame / 2 - 3);
}

describe("a database that was cut short", () => {
  it("opens with every earlier transaction, wherever in the last one the cut is", async () => {
    for (let index = 0; index < 10; index += 1) await append(`m${index}`);
    const before = walSize();
    await append("last");
    const after = walSize();
    expect(after).toBeGreaterThan(before);
    const path = join(dir.path, "host.db");
    for (const size of cuts(before, after)) {
      copyFileSync(store.path, path);
      copyFileSync(`${store.path}-wal`, `${path}-wal`);
      writeFileSync(`${path}-shm`, "");
      truncateSync(`${path}-wal`, size);
      expect({ size, messages: countOf(path) }).toEqual({ size, messages: 10 });
    }
    copyFileSync(store.path, path);
    copyFileSync(`${store.path}-wal`, `${path}-wal`);
    expect(countOf(path)).toBe(11);
  });

  it("refuses a file that lost its end or its beginning, and says what to do", async () => {
    await append("m");
    await store.close();
    for (const damage of ["end", "beginning"]) {
      const path = join(dir.path, `${damage}.db`);
      copyFileSync(store.path, path);
      if (damage === "end") truncateSync(path, 5_000);
      else writeFileSync(path, Buffer.alloc(100), { flag: "r+" });
      const opened = openStore({ path, log: silentLog, onFatal: () => {} });
      await expect(opened).rejects.toMatchObject({
        kind: "corrupt",
        message: expect.stringContaining("run: openclaw backup restore FILE"),
      });
    }
  });
});

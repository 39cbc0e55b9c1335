import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../../base/brand.ts";
import { type BackupPlaces, createBackup } from "./backup.ts";
import { openStore } from "../db.ts";
import { acquireStateLock } from "../lock.ts";
import { restoreBackup } from "./restore.ts";
import { openTestStore, silentLog, type TestStore } from "../test-store.ts";

const KEY = sessionKey("agent:main:main");
const AT = Date.UTC(2026, 10, 22);

let store: TestStore;
let places: BackupPlaces;

beforeEach(async () => {
  store = await openTestStore();
  const at = (name: string) => join(store.dir, name);
  places = {
    stateDir: store.dir,
    database: store.path,
    configFile: at("openclaw.json"),
    tokenFile: at("gateway.token"),
    serverKeyFile: at("server.key"),
    identityFile: at("identity/device.json"),
    tlsKeyFile: at("tls/key.pem"),
    mediaDir: at("media"),
    extensionsDataDir: at("extensions-data"),
  };
});
afterEach(() => store.dispose());

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

const append = (id: string) =>
  store.run("sessions.append", {
    key: KEY,
    sessionId: "s",
    at: 1,
    messages: [{ id, message: { role: "user", content: id, timestamp: 1 } }],
  });

const peer = { kind: "dm", id: "1" } as const;
const enqueue = () =>
  store.run("outbox.enqueue", {
    intents: [
      {
        deliveryId: "d",
        channel: "x",
        account: "a",
        lane: "l",
        outbound: { to: peer, type: "message", body: { text: "x" } },
        part: { index: 0, of: 1, text: "x" },
        at: 1,
      },
    ],
  });

/** Keeps a blob as the media store does; returns its file. */
async function putBlob(content: Uint8Array): Promise<string> {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const path = join(places.mediaDir, sha256.slice(0, 2), sha256);
  write(path, content);
  const as = { ref: "r", owner: "core", kind: "file" as const, mime: "text/plain", name: "" };
  await store.run("media.put", { handle: { ...as, sha256, bytes: content.length }, at: 1 });
  return path;
}

const filesIn = (dir: string) => readdirSync(dir).toSorted();

describe("a backup", () => {
  it("of a store that is being written holds one moment of it, and brings everything back", async () => {
    const content = Buffer.alloc(2_500_000, 7);
    const blob = await putBlob(content);
    write(places.configFile, "{ /* mine */ }");
    write(places.tokenFile, "secret");
    write(join(places.extensionsDataDir, "x", "state.json"), "");
    await append("m0");
    await enqueue();
    const writing = Promise.all(Array.from({ length: 300 }, (_, index) => append(`m${index + 1}`)));
    const backup = createBackup(places, join(store.dir, "backups"), AT);
    await writing;
    expect(backup.files).toBe(4);
    expect(statSync(backup.path).mode & 0o777).toBe(0o600);
    expect(filesIn(dirname(backup.path))).toHaveLength(1);

    write(places.configFile, "broken");
    await store.close();
    const { aside, parked } = restoreBackup(places, backup.path, AT + 1);
    expect(parked).toBe(1);
    expect(readFileSync(places.configFile, "utf8")).toBe("{ /* mine */ }");
    expect(readFileSync(join(aside, "openclaw.json"), "utf8")).toBe("broken");
    expect(existsSync(join(places.extensionsDataDir, "x", "state.json"))).toBe(true);
    expect(statSync(store.path).mode & 0o777).toBe(0o600);

    const again = await openStore({ path: store.path, log: silentLog, onFatal: () => {} });
    const texts = await again.run("sessions.history", { sessionId: "s", limit: 1000 });
    const ids = texts.map((text) => (JSON.parse(text) as { content: string }).content);
    expect(ids).toEqual(ids.map((_, index) => `m${index}`));
    expect(readFileSync(blob).equals(content)).toBe(true);
    // It may have been sent since the backup was made.
    expect(await again.run("ledger.outcome", { deliveryId: "d" })).toMatchObject({ state: "unknown", final: true });
    await again.close();
  });

  it("is not restored while a gateway runs", async () => {
    await append("m");
    const backup = createBackup(places, store.dir, AT);
    const lock = acquireStateLock(store.dir);
    expect(() => restoreBackup(places, backup.path, AT)).toThrow(/already runs/u);
    lock.release();
  });

  it("that is damaged, or none, or holds files of others, changes nothing", async () => {
    await append("m");
    const backup = createBackup(places, store.dir, AT);
    await store.close();
    const refused = (file: string) => {
      expect(() => restoreBackup(places, file, AT)).toThrow(/no backup|does not exist|not its own/u);
      expect(filesIn(store.dir).filter((name) => /restoring|replaced|evil/u.test(name))).toEqual([]);
    };
    refused(store.path);
    refused(join(store.dir, "absent"));
    const db = new DatabaseSync(backup.path);
    db.exec("INSERT INTO backup_files VALUES ('extensions-data/../../evil', 0, x'00')");
    db.close();
    refused(backup.path);
    truncateSync(backup.path, 20_000);
    refused(backup.path);
  });

  it("of nothing is refused", () => {
    expect(() => createBackup({ ...places, database: join(store.dir, "none.db") }, store.dir, AT)).toThrow(
      /nothing to back up/u,
    );
  });
});

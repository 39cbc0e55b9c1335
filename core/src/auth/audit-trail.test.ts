import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { openStore } from "../store/db.ts";
import { auditColumns } from "../store/tables/audit-record.ts";
import { type TestDir, makeTestDir, silentLog } from "../store/test-store.ts";
import type { Audit } from "./audit.ts";
import { openAudit } from "./audit-trail.ts";
import { createAuditSealer, verifyAudit } from "./audit-verify.ts";

const KEY = Buffer.alloc(32, 7);
let dir: TestDir;
let path: string;
let clock: ReturnType<typeof createFakeClock>;

beforeEach(() => {
  dir = makeTestDir();
  path = `${dir.path}/host.db`;
  clock = createFakeClock();
});
afterEach(() => dir.remove());

async function opened(key = KEY) {
  const store = await openStore({ path, log: silentLog, onFatal: () => {} });
  const audit = await openAudit({ store, clock, log: silentLog, sealer: createAuditSealer(key) });
  return {
    audit,
    store,
    close: async () => {
      await audit.close();
      await store.close();
    },
  };
}

/** A trail of `rows` rows, written and closed; then what somebody does to the file; then what verification says. */
async function tampered(rows: number, change: (db: DatabaseSync) => void) {
  const before = await opened();
  for (let n = 1; n <= rows; n++) before.audit.note({ action: "approved", actor: `device-${n}` });
  await before.close();
  const db = new DatabaseSync(path);
  change(db);
  db.close();
  const after = await opened();
  const verdict = await after.audit.verify();
  await after.close();
  return verdict;
}

/** Pruning pauses on the clock. */
async function pruned(audit: Audit, before: number): Promise<number> {
  let over = false;
  const done = audit.prune(before).finally(() => (over = true));
  await expect.poll(async () => (await clock.advance(50), over), { interval: 5 }).toBe(true);
  return done;
}

test("an untouched trail is whole, over restarts", async () => {
  const verdict = await tampered(5, () => {});
  expect(verdict).toMatchObject({ ok: true, rows: 5, unsealed: 0, faults: [] });
  const again = await opened();
  again.audit.note({ action: "revoked", actor: "local-owner", subject: "device-1" });
  expect(await again.audit.verify()).toMatchObject({ ok: true, rows: 6, head: { seq: 6 } });
  await again.close();
});

test("a changed row is found", async () => {
  const verdict = await tampered(5, (db) => db.exec("UPDATE audit SET actor = 'somebody-else' WHERE seq = 3"));
  expect(verdict.faults).toEqual([{ seq: 3, message: expect.stringContaining("was changed") }]);
});

test("a changed row whose own hash was made anew is found at the next one", async () => {
  const verdict = await tampered(5, (db) => {
    const [row] = db.prepare("SELECT seq, hash FROM audit WHERE seq = 2").all() as { seq: number; hash: string }[];
    const forged = auditColumns({ action: "approved", actor: "forged" }, clock.now(), row!);
    db.prepare("UPDATE audit SET actor = ?, hash = ? WHERE seq = 3").run(forged.actor, forged.hash);
  });
  expect(verdict.faults.map(({ seq }) => seq)).toEqual([4]);
});

test("a removed row is found", async () => {
  const verdict = await tampered(5, (db) => db.exec("DELETE FROM audit WHERE seq = 3"));
  expect(verdict.faults[0]).toEqual({ seq: 4, message: "rows 3 to 3 are missing" });
});

test("reordered rows are found", async () => {
  const verdict = await tampered(5, (db) =>
    db.exec(`UPDATE audit SET seq = -seq WHERE seq IN (2, 3);
             UPDATE audit SET seq = iif(seq = -2, 3, 2) WHERE seq < 0`),
  );
  expect(verdict.faults.map(({ seq }) => seq)).toEqual([2, 3, 4]);
});

test("rows that were cut off the end are found, and the trail says for good that they were", async () => {
  const verdict = await tampered(5, (db) => db.exec("DELETE FROM audit WHERE seq > 3"));
  expect(verdict.ok).toBe(false);
  const again = await opened();
  expect((await again.audit.list({ limit: 1 }))[0]).toMatchObject({
    action: "broken",
    reason: "rows up to 5 were sealed, and row 5 is missing",
  });
  expect((await again.audit.verify()).ok).toBe(false);
  await again.close();
});

test("a chain that was written anew without the key does not fit its seal", async () => {
  const verdict = await tampered(3, (db) => {
    let previous = { seq: 0, hash: "0".repeat(64) };
    db.exec("DELETE FROM audit");
    for (let n = 1; n <= 3; n++) {
      const row = auditColumns({ action: "approved", actor: `forged-${n}` }, clock.now(), previous);
      db.prepare(
        "INSERT INTO audit (seq, at, action, actor, subject, address, detail, hash) VALUES (?, ?, ?, ?, NULL, NULL, ?, ?)",
      ).run(row.seq, row.at, row.action, row.actor, row.detail, row.hash);
      previous = row;
    }
  });
  expect(verdict.ok).toBe(false);
});

test("a missing or moved seal is found", async () => {
  expect((await tampered(3, (db) => db.exec("DELETE FROM audit_seal"))).ok).toBe(false);
  expect((await tampered(3, (db) => db.exec("UPDATE audit_seal SET base_seq = 2"))).ok).toBe(false);
});

test("a seal made with another key is found", async () => {
  const first = await opened();
  first.audit.note({ action: "linked", actor: "local-owner" });
  await first.close();
  const other = await opened(Buffer.alloc(32, 8));
  expect((await other.audit.verify()).faults[0]?.message).toContain("found broken");
  await other.close();
});

test("a head that was kept elsewhere shows that the whole database was put back", async () => {
  const { store, audit, close } = await opened();
  audit.note({ action: "paired", actor: "device-1" });
  const { head } = await audit.verify();
  const source = {
    state: () => store.run("audit.state", null),
    walk: (args: { after: number; limit: number }) => store.run("audit.walk", args),
  };
  expect((await verifyAudit(source, createAuditSealer(KEY), head)).ok).toBe(true);
  const lost = { seq: head.seq + 1, hash: "ab".repeat(32) };
  expect((await verifyAudit(source, createAuditSealer(KEY), lost)).faults).toHaveLength(1);
  await close();
});

test("what retention removed from the beginning does not break the chain", async () => {
  const { audit, close } = await opened();
  for (let n = 0; n < 3; n++) {
    audit.note({ action: "approved", actor: `old-${n}` });
    await audit.verify();
  }
  await clock.advance(86_400_000);
  audit.note({ action: "approved", actor: "new" });
  await audit.verify();
  expect(await pruned(audit, clock.now() - 1_000)).toBe(3);
  expect(await audit.verify()).toMatchObject({ ok: true, rows: 1, head: { seq: 4 } });
  await close();
  const again = await opened();
  expect(await again.audit.verify()).toMatchObject({ ok: true, rows: 1 });
  await again.close();
});

test("a known device that connects again and again is told of once a day for each network", async () => {
  const { audit, close } = await opened();
  const connection = { identity: "d1", role: "operator", scopes: ["operator.read"], address: "127.0.0.1" };
  for (let n = 0; n < 1_000; n++) audit.connected(connection);
  audit.connected({ ...connection, address: "100.64.0.9" });
  expect(await audit.list({ limit: 10 })).toHaveLength(2);
  // Whoever has an IPv6 network has endless addresses, and makes one row all the same.
  for (let n = 1; n < 3_000; n++) audit.connected({ ...connection, address: `2001:db8::${n.toString(16)}` });
  expect(await audit.list({ limit: 10 })).toHaveLength(3);
  await clock.advance(24 * 3_600_000);
  audit.connected(connection);
  expect(await audit.list({ limit: 10 })).toHaveLength(4);
  await close();
});

test("ten thousand refused strangers a minute make at most seventeen rows", async () => {
  const { audit, close } = await opened();
  for (let n = 0; n < 10_000; n++) audit.refused({ address: `10.0.${n >> 8}.${n & 255}`, reason: "token_mismatch" });
  await clock.advance(60_000);
  const rows = await audit.list({ limit: 100 });
  expect(rows).toHaveLength(17);
  expect(rows.reduce((sum, row) => sum + (row.count ?? 1), 0)).toBe(10_000);
  expect(rows.filter((row) => row.actor === "others")).toHaveLength(1);
  await close();
});

test("an attack of hours makes one row a minute when its budget is spent", async () => {
  const { audit, close } = await opened();
  for (let minute = 0; minute < 55; minute++) {
    for (let n = 0; n < 100; n++) audit.refused({ address: `10.0.0.${n}`, reason: "token_mismatch" });
    await clock.advance(60_000);
  }
  expect((await audit.list({ limit: 1_000 })).length).toBeLessThanOrEqual(240 + 55);
  await close();
});

test("a flood of strangers does not hide why a known device was refused", async () => {
  const { audit, close } = await opened();
  for (let n = 0; n < 100; n++) audit.refused({ address: `10.0.0.${n}`, reason: "token_mismatch" });
  audit.refused({ address: "100.64.0.9", reason: "device_token_mismatch", device: "d1" });
  await clock.advance(60_000);
  expect(await audit.list({ limit: 100 })).toContainEqual(
    expect.objectContaining({ actor: "d1", address: "100.64.0.9", reason: "device_token_mismatch" }),
  );
  await close();
});

test("what is told while the database cannot be written is kept, and beyond its room counted", async () => {
  const real = await openStore({ path, log: silentLog, onFatal: () => {} });
  let broken = false;
  const store: Pick<typeof real, "run"> = {
    run: (command, args) => (broken ? Promise.reject(new Error("the disk is full")) : real.run(command, args)),
  };
  const audit = await openAudit({ store, clock, log: silentLog, sealer: createAuditSealer(KEY) });
  broken = true;
  for (let n = 0; n < 1_500; n++) audit.note({ action: "approved", actor: `d${n}` });
  await clock.advance(1_000);
  broken = false;
  await clock.advance(30_000);
  const rows = await audit.list({ limit: 2_000 });
  expect(rows).toHaveLength(1_001);
  expect(rows[0]).toMatchObject({ action: "lost", count: 500 });
  expect((await audit.verify()).ok).toBe(true);
  await audit.close();
  await real.close();
});

test("rows that a command wrote just before a kill are sealed at the next start", async () => {
  const { store } = await opened();
  await store.run("audit.append", [{ at: 1, entry: { action: "rotated", actor: "d1" } }]);
  await store.close();
  const again = await opened();
  expect(await again.audit.verify()).toMatchObject({ ok: true, rows: 1, unsealed: 0 });
  await again.close();
});

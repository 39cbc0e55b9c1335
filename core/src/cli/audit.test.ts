import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAudit } from "../auth/audit-trail.ts";
import { createAuditSealer } from "../auth/audit-verify.ts";
import { loadServerKey } from "../auth/tokens.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { openStore } from "../store/db.ts";
import { type TestDir, makeTestDir, silentLog } from "../store/test-store.ts";
import { runCli } from "./run.ts";

const DEVICE = "ab".repeat(32);
let dir: TestDir;
beforeEach(() => (dir = makeTestDir()));
afterEach(() => dir.remove());

const database = () => join(dir.path, "host.db");

/** What a gateway that has stopped leaves. */
async function leaveTrail(): Promise<void> {
  const store = await openStore({ path: database(), log: silentLog, onFatal: () => {} });
  const sealer = createAuditSealer(loadServerKey(join(dir.path, "server.key")));
  const audit = await openAudit({ store, clock: createFakeClock(), log: silentLog, sealer });
  audit.connected({
    identity: DEVICE,
    role: "operator",
    scopes: ["operator.read"],
    address: "100.64.0.9",
    name: "phone\r\n2026-01-01 approved local-owner \u001b[2K\u2028\u202e",
  });
  audit.note({ action: "revoked", actor: "local-owner", subject: DEVICE });
  audit.refused({ address: "10.0.0.1", reason: "token_mismatch" });
  audit.refused({ address: "10.0.0.1", reason: "token_mismatch" });
  await audit.close();
  await store.close();
}

async function run(...args: string[]) {
  const output = { out: "", err: "" };
  const code = await runCli(args, {
    out: (text) => (output.out += text),
    err: (text) => (output.err += text),
    stdin: (async function* () {})(),
    env: { OPENCLAW_STATE_DIR: dir.path, OPENCLAW_GATEWAY_PORT: "0" },
    home: dir.path,
    cwd: dir.path,
    platform: "linux",
    signals: { on: () => undefined, off: () => undefined },
  });
  return { code, ...output };
}

test("audit list reads a stopped gateway's trail, newest first, each event on one line", async () => {
  await leaveTrail();
  const { code, out, err } = await run("audit", "list");
  expect(code).toBe(0);
  expect(err).toContain("read from its database");
  const lines = out.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/refused +unknown +10\.0\.0\.1 +token_mismatch 2 times/);
  expect(lines[1]).toMatch(/revoked +local-owner +-> abababababab/);
  expect(lines[2]).toContain('"phone\\r\\n2026-01-01 approved local-owner \\u001b[2K\\u2028\\u202e" operator');
});

test("audit list pages, and prints JSON for programs", async () => {
  await leaveTrail();
  const page = JSON.parse((await run("audit", "list", "--json", "--limit", "2")).out) as { nextBefore: number };
  expect(page).toMatchObject({ events: [{ action: "refused", count: 2 }, { action: "revoked" }] });
  const rest = await run("audit", "list", "--json", "--before", String(page.nextBefore));
  expect(JSON.parse(rest.out)).toMatchObject({ events: [{ action: "connected", actor: DEVICE }] });
});

test("audit verify tells a whole trail from a changed one by its exit code and names the row", async () => {
  await leaveTrail();
  const whole = await run("audit", "verify");
  expect([whole.code, whole.out]).toEqual([0, expect.stringMatching(/^whole: 3 rows\nhead 3:[0-9a-f]{64}\n$/)]);
  const db = new DatabaseSync(database());
  db.exec("UPDATE audit SET actor = 'nobody' WHERE action = 'revoked'");
  db.close();
  const broken = await run("audit", "verify");
  expect(broken.code).toBe(1);
  expect(broken.out).toMatch(/^NOT WHOLE: 3 rows\n {2}row 2: it was changed/);
  expect(JSON.parse((await run("audit", "verify", "--json")).out)).toMatchObject({ ok: false, faults: [{ seq: 2 }] });
});

test("audit verify --head finds that the database was put back to an earlier copy", async () => {
  await leaveTrail();
  const { out } = await run("audit", "verify");
  const head = /head (\S+)/.exec(out)?.[1] ?? "";
  expect((await run("audit", "verify", "--head", head)).code).toBe(0);
  const later = await run("audit", "verify", "--head", `9${head.slice(1)}`);
  expect([later.code, later.out]).toEqual([
    1,
    expect.stringContaining("the head you kept (row 9) is not in the chain"),
  ]);
  expect((await run("audit", "verify", "--head", "x")).code).toBe(2);
});

test("the trail of a missing database or key is an error that says what to do", async () => {
  expect((await run("audit", "list")).err).toContain("--state-dir");
  await leaveTrail();
  rmSync(join(dir.path, "server.key"));
  const { code, err } = await run("audit", "verify");
  expect([code, err]).toEqual([1, expect.stringContaining("server.key is missing")]);
});

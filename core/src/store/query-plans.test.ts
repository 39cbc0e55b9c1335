import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { COMMANDS } from "./commands.ts";
import type { OutboxIntent } from "./tables/outbox.ts";
import { makeTestDir, type TestDir } from "./test-store.ts";
import { Tx } from "./tx.ts";
import { openFile } from "./writer/open-file.ts";

/** How SQLite runs a statement, one line a step: https://www.sqlite.org/eqp.html */
const planOf = (db: DatabaseSync, sql: string): string[] =>
  db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map((row) => String(row["detail"]));

/**
 * Steps that look at rows one after the other and may: values of one JSON text, the result of a subquery that is bounded by
 * itself, tables of a row or two for each account or open draft, and the indexes that hold only what is open, due or waiting.
 */
const SMALL = [
  /^SCAN CONSTANT ROW$/u,
  /^SCAN (?:json_each|j|who|parked|\(subquery-\d+\))(?: |$)/u,
  /^SCAN (?:session_revision|channel_identities|inbox_cursors|drafts|f)(?: |$)/u,
  /^SCAN \w+ (?:VIRTUAL TABLE|USING (?:COVERING )?INDEX (?:inbox_open|inbox_heads|inbox_parked|inbox_suspects|outbox_open|outbox_heads|runs_open))/u,
];
const isSlow = (step: string): boolean => step.startsWith("SCAN") && !SMALL.some((small) => small.test(step));

let dir: TestDir;
let db: DatabaseSync;
let tx: Tx;
let seen: Set<string>;

beforeEach(() => {
  dir = makeTestDir();
  db = openFile({ path: `${dir.path}/host.db` });
  seen = new Set();
  const prepare = db.prepare.bind(db);
  db.prepare = (sql: string) => {
    seen.add(sql);
    return prepare(sql);
  };
  tx = new Tx(db);
});
afterEach(() => {
  db.close();
  dir.remove();
});

/** Statements that were prepared since the last look and read a table from end to end. */
function slow(): string[] {
  const found = [...seen].flatMap((sql) => {
    const steps = planOf(db, sql).filter(isSlow);
    return steps.length === 0 ? [] : [`${steps.join("; ")}: ${sql}`];
  });
  // The questions about plans were prepared as well.
  seen.clear();
  return found;
}

const NAME = { channel: "tele", account: "default" };
const PEER = { kind: "dm", id: "42" } as const;
const KEY = sessionKey("agent:main:tele:default:dm:42");

function receive(eventId: string, more: { readonly album?: string; readonly replyTo?: string } = {}): number[] {
  const { album, ...reply } = more;
  const facts = { eventId, at: 1, peer: PEER, from: { id: "42" }, messageId: eventId };
  const event = { ...facts, ...reply, type: "message", body: { text: "hi" } } as const;
  const entry = { eventId, lane: "l", event, ...(album === undefined ? {} : { album }) };
  const waits = { quietMs: 0, maxMs: 0 };
  COMMANDS["inbox.receive"](tx, {
    ...NAME,
    lease: "bot",
    at: 1,
    keepUntil: 9,
    album: waits,
    cursor: "c",
    entries: [entry],
  });
  return db
    .prepare("SELECT MAX(id) AS id FROM inbox")
    .all()
    .map((row) => Number(row["id"]));
}

const claim = () =>
  COMMANDS["inbox.claim"](tx, { now: 5, maxAttempts: 5, maxEarlyDeaths: 20, accounts: [NAME], most: 9 });

const intent = (deliveryId: string, index: number): OutboxIntent => ({
  deliveryId,
  ...NAME,
  lane: "l",
  outbound: { type: "message", to: PEER, body: { text: "hello" } },
  part: { index, of: 2, text: "hello" },
  at: 1,
});

/** A message from its platform to its last receipt; `runId` names everything that is its own. */
function life(runId: string): void {
  const inbox = claim().claims.flatMap(({ ids }) => ids);
  const said = (id: string) => ({ id, message: { role: "user" as const, content: "hi", timestamp: 1 } });
  const session = { sessionKey: KEY, sessionId: "s", agentId: "main" };
  const asked = { runId, door: "channel" as const, identity: "i", digest: "d", ...session, request: "{}" };
  COMMANDS["runs.accept"](tx, { ...asked, message: said(`q ${runId}`), inbox, at: 1, history: 200 });
  COMMANDS["runs.start"](tx, { runId, at: 1, history: 200 });
  const ended = { text: "hello", media: [], startedAt: 1, endedAt: 2 };
  COMMANDS["runs.close"](tx, {
    runId,
    outcome: { ...ended, state: "done" },
    message: said(`a ${runId}`),
    intents: [intent(`d ${runId}`, 0), intent(`d ${runId}`, 1)],
    inbox: { state: "done" },
    at: 2,
  });
  for (const fate of ["retry", "unknown", "sent", "sent"] as const) {
    const { claims } = COMMANDS["outbox.claim"](tx, { ...NAME, now: 5, limit: 4 });
    for (const part of claims) {
      const receipt = { ids: [`m ${part.id}`], at: 1, peer: PEER };
      const settlement =
        fate === "sent"
          ? ({ state: "sent", receipt } as const)
          : ({ state: fate, nextAt: 1, reason: "r", counts: true } as const);
      COMMANDS["outbox.settle"](tx, { claim: part, at: 3, settlement });
      COMMANDS["outbox.late"](tx, { claim: part, at: 3, receipt });
    }
  }
}

describe("the statements of the store", () => {
  it("are not empty promises here: a scan is found", () => {
    tx.all("SELECT * FROM inbox WHERE reason = ?", "x");
    expect(slow()).toHaveLength(1);
  });

  it("of a message's life look up what they need, whatever its fate", () => {
    receive("e1");
    receive("e2", { album: "album:1" });
    receive("e3", { album: "burst:at-large:42" });
    receive("e4", { replyTo: "m 1" });
    receive("e1");
    for (const runId of ["r1", "r2", "r3", "r4"]) life(runId);
    receive("e5");
    const [refused] = claim().claims;
    const ids = refused?.ids ?? [];
    COMMANDS["inbox.retry"](tx, { ids, reason: "r", at: 1, dueAt: 1, counts: true });
    claim();
    const answer = { ...NAME, sender: "42", intents: [intent("d r", 0)] };
    COMMANDS["inbox.refuse"](tx, { ids, reason: "r", at: 1, answer });
    COMMANDS["inbox.cursor"](tx, { channel: "tele", lease: "bot" });
    COMMANDS["sessions.transcript"](tx, { sessionId: "s", limit: 200, maxBytes: 1_000 });
    COMMANDS["sessions.history"](tx, { sessionId: "s", limit: 200 });
    COMMANDS["ledger.outcome"](tx, { deliveryId: "d r1" });
    expect(seen.size).toBeGreaterThan(30);
    expect(slow()).toEqual([]);
  });

  it("of its owner's looks and decisions follow an index, however much was sent", () => {
    receive("e1");
    life("r1");
    seen.clear();
    COMMANDS["ledger.delivery"](tx, { deliveryId: "d r1" });
    for (const state of ["queued", "retry", "sending", "unknown", "dead"] as const) {
      COMMANDS["deliveries.list"](tx, { filter: { state }, limit: 50 });
    }
    COMMANDS["deliveries.list"](tx, { filter: { eventId: "e1" }, limit: 50 });
    COMMANDS["deliveries.retry"](tx, { deliveryId: "d r1", at: 1 });
    COMMANDS["deliveries.drop"](tx, { deliveryId: "d r1", reason: "r", at: 1 });
    COMMANDS["deliveries.parked"](tx, {});
    for (const state of ["parked", "refused"] as const) {
      COMMANDS["inbox.close"](tx, { ids: receive(state, { album: "album:1" }), state, reason: "r", at: 1 });
      COMMANDS["kept.list"](tx, { filter: { state, ...NAME }, limit: 50, before: 99 });
      for (const { id } of COMMANDS["kept.list"](tx, { filter: { state }, limit: 50 }).messages) {
        COMMANDS["kept.retry"](tx, { id, at: 1 });
      }
    }
    // Newest first, so that a page ends where it is full.
    const page = /^SCAN (?:deliveries USING INDEX deliveries_created|inbox USING INDEX inbox_refused):.*LIMIT \?$/su;
    expect(slow().filter((found) => !page.test(found))).toEqual([]);
  });

  it("of the start, of upkeep and of an identity's change read no more than what is open, or one step of a table", () => {
    receive("e1");
    life("r1");
    seen.clear();
    COMMANDS["inbox.identify"](tx, { ...NAME, lease: "bot", at: 1 });
    COMMANDS["inbox.identify"](tx, { ...NAME, lease: "other", at: 1 });
    COMMANDS["inbox.recover"](tx, { now: 1 });
    COMMANDS["inbox.clamp"](tx, { now: 1, latest: 2 });
    COMMANDS["inbox.shift"](tx, { byMs: 1 });
    COMMANDS["outbox.recover"](tx, { now: 1, latest: 2 });
    COMMANDS["outbox.shift"](tx, { byMs: 1 });
    COMMANDS["runs.stranded"](tx, {});
    const step = { after: 0, limit: 5, before: 10, now: 20 };
    for (const table of ["inbox", "parked", "outbox", "runs", "transcripts"] as const)
      COMMANDS[`upkeep.${table}`](tx, step);
    expect(slow()).toEqual([]);
    // Only a full inbox asks for it, and from the oldest on.
    COMMANDS["inbox.evict"](tx, { now: 20, limit: 5 });
    expect(slow().filter((found) => !found.startsWith("SCAN inbox: SELECT id"))).toEqual([]);
  });
});

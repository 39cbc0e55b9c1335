import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { marksIn } from "./transcript.ts";

type Row = Readonly<Record<string, unknown>>;

/** Rows of the gateway's database, read beside it or after its end. */
function rowsOf(stateDir: string, sql: string): Row[] {
  const db = new DatabaseSync(join(stateDir, "host.db"), { readOnly: true, timeout: 5_000 });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

/** A column as text; empty when it is NULL. */
function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}

const valuesOf = (stateDir: string, sql: string): string[] =>
  rowsOf(stateDir, sql).map((row) => textOf(Object.values(row)[0]));

/** False as long as a table is missing that a wreck is read from. */
function isMade(stateDir: string): boolean {
  if (!existsSync(join(stateDir, "host.db"))) return false;
  const tables = "name IN ('inbox', 'outbox', 'runs', 'drafts')";
  return Number(valuesOf(stateDir, `SELECT COUNT(*) FROM sqlite_schema WHERE ${tables}`)[0]) === 4;
}

/** What a kill left in the air. */
export interface Wreck {
  /** `outbox` rows that were committed as `sending`, without a receipt. */
  readonly sending: readonly string[];
  /** Runs of `chat.send` that had not ended. */
  readonly running: readonly string[];
  /** Events that were in the hands of a turn, each with the number of its attempt: one attempt may be seen at several kills. */
  readonly inHand: readonly string[];
  /** Drafts that were being opened, stood, or were being finished or deleted. */
  readonly drafts: number;
}

/** An event of an account, as one name. */
const EVENT = "channel || '/' || account || ' ' || event_id";

/** Read after a kill, before the next start. A gateway that died while it made its tables leaves nothing in the air. */
export const wreckOf = (stateDir: string): Wreck => (isMade(stateDir) ? airOf(stateDir) : NOTHING);

const NOTHING: Wreck = { sending: [], running: [], inHand: [], drafts: 0 };

/** A draft that stands is not in the air, and one whose last edit or deletion is may be edited again. */
const IN_THE_AIR = `SELECT id FROM outbox WHERE state = 'sending' AND next_at IS NOT NULL
  AND id NOT IN (SELECT outbox_id FROM drafts WHERE stage IN ('finish', 'abort'))`;

const airOf = (stateDir: string): Wreck => ({
  sending: valuesOf(stateDir, IN_THE_AIR),
  running: valuesOf(stateDir, "SELECT run_id FROM runs WHERE door = 'chat.send' AND state IN ('accepted', 'running')"),
  inHand: valuesOf(stateDir, `SELECT ${EVENT} || ' #' || (attempts + early_deaths) FROM inbox WHERE state = 'running'`),
  drafts: Number(valuesOf(stateDir, "SELECT COUNT(*) FROM drafts WHERE stage <> 'lost'")[0]),
});

/** How much there is to run, and to send. */
export function openWork(stateDir: string, events: number): number {
  const [row] = rowsOf(
    stateDir,
    `SELECT ${events} - (SELECT COUNT(*) FROM inbox WHERE state NOT IN ('recorded', 'running'))
      + (SELECT COUNT(*) FROM outbox WHERE next_at IS NOT NULL) AS open`,
  );
  return Number(row?.["open"]);
}

/** One `outbox` row at the end. */
export interface Part {
  readonly id: string;
  readonly deliveryId: string;
  readonly account: string;
  readonly state: string;
  readonly reason: string;
  readonly receiptIds: readonly string[];
  readonly marks: readonly string[];
  readonly hasMedia: boolean;
  /** Present when it is a draft of unknown fate: how the answer read when it was to be posted. */
  readonly lostDraft?: string;
  /** The platform's events that it answers. */
  readonly eventIds: readonly string[];
}

/** The gateway's own view of everything, at the end. */
export interface Ledger {
  readonly parts: readonly Part[];
  /** Stored events that are not done. */
  readonly undone: readonly { readonly event: string; readonly state: string; readonly reason: string }[];
  readonly events: number;
  /** Runs of `chat.send`. */
  readonly runs: readonly { readonly key: string; readonly state: string }[];
  /** Marks in the transcripts, by role, with repetitions. */
  readonly asked: readonly string[];
  readonly answered: readonly string[];
}

/** A part that says all that its message says keeps no text of its own. */
const PARTS = `SELECT o.id, o.delivery_id, o.channel || '/' || o.account AS account, o.state, o.reason, o.receipt, o.payload,
  COALESCE(o.payload ->> '$.text', (SELECT y.outbound ->> '$.body.text' FROM deliveries y WHERE y.id = o.delivery_id AND o.payload ->> '$.whole')) AS text,
  o.id IN (SELECT outbox_id FROM drafts WHERE stage = 'lost') AS lost,
  (SELECT group_concat(i.event_id) FROM delivery_origins d JOIN inbox i ON i.id = d.inbox_id
    WHERE d.delivery_id = o.delivery_id) AS events FROM outbox o ORDER BY o.id`;

function partOf(row: Row): Part {
  const payload = JSON.parse(textOf(row["payload"])) as { media?: readonly unknown[] };
  const text = textOf(row["text"]);
  const receipt = JSON.parse(textOf(row["receipt"]) || '{"ids":[]}') as { ids: string[] };
  return {
    id: textOf(row["id"]),
    deliveryId: textOf(row["delivery_id"]),
    account: textOf(row["account"]),
    state: textOf(row["state"]),
    reason: textOf(row["reason"]),
    receiptIds: receipt.ids,
    marks: marksIn(text),
    hasMedia: (payload.media ?? []).length > 0,
    ...(row["lost"] === 1 ? { lostDraft: text } : {}),
    eventIds: textOf(row["events"]).split(","),
  };
}

const marksSaidBy = (stateDir: string, role: string): string[] =>
  valuesOf(stateDir, `SELECT message FROM transcripts WHERE message ->> '$.role' = '${role}'`).flatMap(marksIn);

export const ledgerOf = (stateDir: string): Ledger => ({
  parts: rowsOf(stateDir, PARTS).map(partOf),
  undone: rowsOf(stateDir, `SELECT ${EVENT} AS event, state, reason FROM inbox WHERE state <> 'done'`).map((row) => ({
    event: textOf(row["event"]),
    state: textOf(row["state"]),
    reason: textOf(row["reason"]),
  })),
  events: Number(valuesOf(stateDir, "SELECT COUNT(*) FROM inbox")[0]),
  runs: rowsOf(stateDir, "SELECT run_id, state FROM runs WHERE door = 'chat.send'").map((row) => ({
    key: textOf(row["run_id"]),
    state: textOf(row["state"]),
  })),
  asked: marksSaidBy(stateDir, "user"),
  answered: marksSaidBy(stateDir, "assistant"),
});

/** For the message of a failure: where everything stands. */
export const storyOf = (stateDir: string): string =>
  [
    ...rowsOf(
      stateDir,
      "SELECT 'inbox' AS what, channel, account, state, reason, attempts, head, COUNT(*) AS n FROM inbox GROUP BY 2, 3, 4, 5, 6, 7",
    ),
    ...rowsOf(
      stateDir,
      "SELECT 'outbox' AS what, channel, account, state, reason, head, next_at, COUNT(*) AS n FROM outbox GROUP BY 2, 3, 4, 5, 6, 7",
    ),
  ]
    .map((row) => JSON.stringify(row))
    .join("\n");

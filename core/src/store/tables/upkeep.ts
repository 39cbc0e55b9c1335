import { forgetMedia } from "./media-uses.ts";
import { rangeOf, transcriptAt } from "./transcript-seq.ts";
import type { Tx } from "../tx.ts";

/** One bounded step of tidying a table, in order of row number. */
export interface UpkeepStep {
  /** The last row of the step before; 0 for the first. */
  readonly after: number;
  /** Rows looked at. */
  readonly limit: number;
  /** Rows of this time and later stay, epoch ms. */
  readonly before: number;
  readonly now: number;
}

/** What a step did. Without `next` the table is done. */
export interface UpkeepResult {
  readonly removed: number;
  readonly next?: number;
}

/** Not what is open, nor what waits for its owner. */
const FINAL = "state NOT IN ('recorded', 'running', 'parked')";

/** Parked messages that stay however old they are: as many as an owner might still look through. */
const PARKED_KEPT = 10_000;

/** As the partial index `inbox_parked` has it. */
const PARKED = "state = 'parked'";

interface Aged {
  readonly id: number;
  readonly at: number;
}

/**
 * Rows come in order of time, so the first young one ends the table; one of the future, from before the clock was set back, says
 * nothing of those behind it.
 */
function resultOf(rows: readonly Aged[], step: UpkeepStep, removed: number): UpkeepResult {
  const last = rows.at(-1);
  const more = last !== undefined && rows.length === step.limit && (last.at < step.before || last.at > step.now);
  return more ? { removed, next: last.id } : { removed };
}

function removeInbox(tx: Tx, ids: readonly number[], now: number): void {
  for (const id of ids) {
    forgetMedia(tx, { holder: "inbox", row: id }, now);
    tx.run("DELETE FROM inbox WHERE id = ?", id);
  }
}

function tidyInbox(tx: Tx, step: UpkeepStep): UpkeepResult {
  const rows = tx.all<Aged & { due: number }>(
    `SELECT id, received_at AS at, (${FINAL} AND keep_until <= ? AND changed_at < ?) AS due FROM inbox WHERE id > ? ORDER BY id LIMIT ?`,
    step.now,
    step.before,
    step.after,
    step.limit,
  );
  const due = rows.filter((row) => row.due === 1).map((row) => row.id);
  removeInbox(tx, due, step.now);
  return resultOf(rows, step, due.length);
}

/** Messages that wait for their owner stay beyond the age of the others, the newest of them for ever. */
function tidyParked(tx: Tx, step: UpkeepStep): UpkeepResult {
  const rows = tx.all<{ id: number }>(
    `SELECT id FROM inbox WHERE id IN (SELECT id FROM inbox WHERE ${PARKED} ORDER BY id DESC LIMIT -1 OFFSET ${PARKED_KEPT})
       AND keep_until <= ? AND changed_at < ? LIMIT ?`,
    step.now,
    step.before,
    step.limit,
  );
  const ids = rows.map((row) => row.id);
  removeInbox(tx, ids, step.now);
  return ids.length < step.limit ? { removed: ids.length } : { removed: ids.length, next: step.after };
}

/** The oldest go first, so that each step is one look into an index. Open runs have not ended. */
function tidyRuns(tx: Tx, step: UpkeepStep): UpkeepResult {
  const removed = tx.run(
    "DELETE FROM runs WHERE run_id IN (SELECT run_id FROM runs WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)",
    step.before,
    step.limit,
  );
  return removed < step.limit ? { removed } : { removed, next: step.after };
}

interface OldPart extends Aged {
  readonly delivery_id: string;
  readonly open: number;
}

function removeDelivery(tx: Tx, id: string, now: number): number {
  const parts = tx.all<{ id: number; channel: string; account: string; receipt: string | null }>(
    "SELECT id, channel, account, receipt FROM outbox WHERE delivery_id = ?",
    id,
  );
  for (const part of parts) {
    forgetMedia(tx, { holder: "outbox", row: part.id }, now);
    if (part.receipt === null) continue;
    tx.run(
      `DELETE FROM sent_messages WHERE channel = ?1 AND account = ?2 AND peer = ?3 ->> '$.peer.id'
       AND message_id IN (SELECT value FROM json_each(?3, '$.ids')) AND delivery_id = ?4`,
      part.channel,
      part.account,
      part.receipt,
      id,
    );
  }
  tx.run("DELETE FROM outbox WHERE delivery_id = ?", id);
  tx.run("DELETE FROM deliveries WHERE id = ?", id);
  return parts.length;
}

/** A delivery goes as a whole, and only when none of its parts can still be sent or waits for its owner's decision. */
function tidyOutbox(tx: Tx, step: UpkeepStep): UpkeepResult {
  const rows = tx.all<OldPart>(
    `SELECT o.id, d.created_at AS at, o.delivery_id,
       EXISTS (SELECT 1 FROM outbox p WHERE p.delivery_id = o.delivery_id AND (p.next_at IS NOT NULL OR p.state IN ('sending', 'unknown') OR p.changed_at >= ?)) AS open
     FROM outbox o JOIN deliveries d ON d.id = o.delivery_id WHERE o.id > ? ORDER BY o.id LIMIT ?`,
    step.before,
    step.after,
    step.limit,
  );
  const due = new Set(rows.filter((row) => row.open === 0).map((row) => row.delivery_id));
  let removed = 0;
  for (const id of due) removed += removeDelivery(tx, id, step.now);
  return resultOf(rows, step, removed);
}

/** A session that was reset or deleted is forgotten with its last message; others stay. */
function forgetTranscripts(tx: Tx, seqs: readonly number[]): void {
  for (const no of new Set(seqs.map(transcriptAt))) {
    const { floor, last } = rangeOf(no);
    if (tx.get("SELECT 1 FROM transcripts WHERE seq > ? AND seq <= ? LIMIT 1", floor, last) !== undefined) continue;
    tx.run("DELETE FROM archived_sessions WHERE session_id = (SELECT session_id FROM transcript_ids WHERE no = ?)", no);
    tx.run(
      `DELETE FROM transcript_ids WHERE no = ?
       AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session_id = transcript_ids.session_id)`,
      no,
    );
  }
}

/** The messages of one transcript come in order of time, so that behind its first young one the next transcript follows. */
function tidyTranscripts(tx: Tx, step: UpkeepStep): UpkeepResult {
  const removed: number[] = [];
  let after = step.after;
  for (let looks = 0; looks < step.limit; looks += 1) {
    const row = tx.get<Aged>("SELECT seq AS id, at FROM transcripts WHERE seq > ? ORDER BY seq LIMIT 1", after);
    if (row === undefined) {
      forgetTranscripts(tx, removed);
      return { removed: removed.length };
    }
    const { id, at } = row;
    // One of the future, from before the clock was set back, says nothing of those behind it.
    after = at >= step.before && at <= step.now ? rangeOf(transcriptAt(id)).last : id;
    if (at >= step.before) continue;
    forgetMedia(tx, { holder: "transcript", row: id }, step.now);
    tx.run("DELETE FROM transcripts WHERE seq = ?", id);
    removed.push(id);
  }
  forgetTranscripts(tx, removed);
  return { removed: removed.length, next: after };
}

const OPEN = "state IN ('recorded', 'running')";

const evictable = (state: string): string =>
  `SELECT id FROM inbox WHERE ${state} AND keep_until <= ? ORDER BY id LIMIT ?`;

export const upkeepCommands = {
  "upkeep.inbox": (tx: Tx, step: UpkeepStep): UpkeepResult => tidyInbox(tx, step),
  "upkeep.parked": (tx: Tx, step: UpkeepStep): UpkeepResult => tidyParked(tx, step),
  "upkeep.runs": (tx: Tx, step: UpkeepStep): UpkeepResult => tidyRuns(tx, step),
  "upkeep.outbox": (tx: Tx, step: UpkeepStep): UpkeepResult => tidyOutbox(tx, step),
  "upkeep.transcripts": (tx: Tx, step: UpkeepStep): UpkeepResult => tidyTranscripts(tx, step),

  /** The clock was set back by `byMs`: messages that wait go on waiting as long as was meant. Returns how many do. */
  "inbox.shift": (tx: Tx, args: { readonly byMs: number }): number =>
    tx.run(`UPDATE inbox SET due_at = MAX(0, due_at - ?) WHERE ${OPEN}`, args.byMs),

  /** After a start: what waits beyond `latest` does so because the clock was set back meanwhile, and waits no longer. */
  "inbox.clamp": (tx: Tx, args: { readonly now: number; readonly latest: number }): number =>
    tx.run(`UPDATE inbox SET due_at = ? WHERE due_at > ? AND ${OPEN}`, args.now, args.latest),

  "inbox.size": (tx: Tx, _args: Record<string, never>): number =>
    tx.get<{ count: number }>("SELECT COUNT(*) AS count FROM inbox")?.count ?? 0,

  /**
   * Drops the oldest rows whose event the platform cannot deliver again, whatever the ledger should keep; parked ones only when
   * there are no others. Returns how many.
   */
  "inbox.evict": (tx: Tx, args: { readonly now: number; readonly limit: number }): number => {
    const closed = tx.all<{ id: number }>(evictable(FINAL), args.now, args.limit);
    const rows = closed.length > 0 ? closed : tx.all<{ id: number }>(evictable(PARKED), args.now, args.limit);
    const ids = rows.map((row) => row.id);
    removeInbox(tx, ids, args.now);
    return ids.length;
  },
};

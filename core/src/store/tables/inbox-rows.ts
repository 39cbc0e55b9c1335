import type { Inbound } from "openclaw-host-sdk";
import { useMediaOfLast } from "./media-uses.ts";
import { OPEN_RUN } from "./run-record.ts";
import type { OutboxIntent } from "./outbox.ts";
import type { Tx } from "../tx.ts";

/** An account by its config label. */
export interface AccountName {
  readonly channel: string;
  readonly account: string;
}

/** `parked` waits for the owner; `refused` was kept out by policy. Both carry a reason and are final. */
export type InboxFinal = "done" | "refused" | "parked";

interface Waits {
  readonly quietMs: number;
  readonly maxMs: number;
}

/** Begins the id of a burst: messages of one sender with nothing else between them. Pieces of an album may be apart. */
export const BURST = "burst:";

/** One event as it is recorded. Without `turn` it is closed at once, for the reason given. */
export interface InboxEntry {
  readonly eventId: string;
  readonly lane: string;
  readonly event: Inbound;
  /** Album or burst; its pieces become one claim. */
  readonly album?: string;
  /** How long it waits for its next piece, and in all, ms. Default: as `ReceiveArgs.album` says. */
  readonly wait?: Waits;
  readonly closedBecause?: string;
}

/** What a turn works on: one message, or the pieces of one album or burst. */
export interface ClaimedRows {
  readonly ids: readonly number[];
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
  /** JSON of each `Inbound`: texts cross threads more cheaply than objects. */
  readonly events: readonly string[];
  /** Earlier attempts that did not end, of those that had come as far as a run. */
  readonly attempts: number;
  /** True when the first message answers one that this account sent. */
  readonly repliesToUs: boolean;
  /** True when an earlier claim came as far as a run, which is still open: its request has all that was fetched. */
  readonly hasRun: boolean;
}

/** An answer to somebody who was refused, sent at most once per sender and account unless it tells a pairing code. */
export interface RefusalAnswer extends AccountName {
  readonly sender: string;
  readonly tellsCode?: boolean;
  readonly intents: readonly OutboxIntent[];
}

export interface ReceiveArgs extends AccountName {
  readonly lease: string;
  readonly at: number;
  /** How long an album waits for its next piece, and in all, ms. */
  readonly album: Waits;
  /** Until then the platform may deliver these events again, epoch ms. */
  readonly keepUntil: number;
  readonly cursor?: string;
  readonly entries: readonly InboxEntry[];
}

export interface Head {
  readonly id: number;
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
  readonly album: string | null;
  readonly attempts: number;
  readonly earlyDeaths: number;
  readonly dueAt: number;
}

export const OPEN = "state IN ('recorded', 'running')";

/** Rows that an open run answers. */
const WITH_RUN = `(SELECT value FROM runs, json_each(runs.inbox) WHERE runs.inbox IS NOT NULL AND runs.${OPEN_RUN})`;

const INSERT = `INSERT INTO inbox (channel, lease, account, event_id, lane, album, event, at, received_at, state, reason, due_at, changed_at, keep_until, head)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    CASE WHEN ? THEN NOT EXISTS (SELECT 1 FROM inbox WHERE lane = ? AND ${OPEN}) ELSE 0 END)
  ON CONFLICT (channel, lease, event_id) DO NOTHING`;

export function insertEntry(tx: Tx, args: ReceiveArgs, entry: InboxEntry): boolean {
  const open = entry.closedBecause === undefined;
  const event = JSON.stringify(entry.event);
  const inserted = tx.run(
    INSERT,
    args.channel,
    args.lease,
    args.account,
    entry.eventId,
    entry.lane,
    entry.album ?? null,
    event,
    entry.event.at,
    args.at,
    open ? "recorded" : "done",
    entry.closedBecause ?? null,
    args.at,
    args.at,
    args.keepUntil,
    open ? 1 : 0,
    entry.lane,
  );
  if (inserted > 0) useMediaOfLast(tx, "inbox", { json: event, at: args.at });
  const { lane, album, wait = args.album } = entry;
  if (inserted > 0 && open && album !== undefined) delayAlbum(tx, args.at, { lane, album, wait });
  return inserted > 0;
}

/** Every new piece moves the whole album's time, up to the longest wait after its first piece. */
function delayAlbum(tx: Tx, at: number, piece: { lane: string; album: string; wait: Waits }): void {
  const { lane, album, wait } = piece;
  tx.run(
    `UPDATE inbox SET due_at = MIN(?, (SELECT MIN(received_at) FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}) + ?)
     WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}`,
    at + wait.quietMs,
    lane,
    album,
    wait.maxMs,
    lane,
    album,
  );
}

/** The lane's oldest row that waits becomes its head, unless one of the lane is in hand. */
function promote(tx: Tx, lane: string): void {
  const next = tx.get<{ id: number }>(
    `SELECT id FROM inbox WHERE lane = ? AND state = 'recorded' AND ${OPEN} ORDER BY id LIMIT 1`,
    lane,
  );
  if (next === undefined) return;
  tx.run(
    `UPDATE inbox SET head = 1 WHERE id = ? AND head = 0
       AND NOT EXISTS (SELECT 1 FROM inbox WHERE lane = ? AND state = 'running' AND ${OPEN})`,
    next.id,
    lane,
  );
}

/** The lane of a row that may still be claimed, or is. */
function openLane(tx: Tx, id: number): string | undefined {
  return tx.get<{ lane: string }>(`SELECT lane FROM inbox WHERE id = ? AND ${OPEN}`, id)?.lane;
}

/**
 * Closes rows and lets their lanes go on; one that was parked or dropped meanwhile keeps the reason it has. For use inside the
 * commands of other families: the transaction that closes a run closes its rows. `at` is epoch ms.
 */
export function markInbox(
  tx: Tx,
  ids: readonly number[],
  change: { readonly state: InboxFinal; readonly at: number; readonly reason?: string },
): void {
  const lanes = new Set<string>();
  for (const id of ids) {
    const lane = openLane(tx, id);
    if (lane === undefined) continue;
    lanes.add(lane);
    tx.run(
      "UPDATE inbox SET state = ?, reason = ?, head = 0, changed_at = ? WHERE id = ?",
      change.state,
      change.reason ?? null,
      change.at,
      id,
    );
  }
  for (const lane of lanes) promote(tx, lane);
}

/**
 * Gives rows back that are in hand, to be claimed again at `dueAt` (epoch ms). For use inside the commands of other families.
 * `counts` is false when the message has no part in it.
 */
export function returnRows(
  tx: Tx,
  ids: readonly number[],
  change: { readonly reason: string; readonly at: number; readonly dueAt: number; readonly counts: boolean },
): void {
  const lanes = new Set<string>();
  for (const id of ids) {
    const lane = openLane(tx, id);
    if (lane !== undefined) lanes.add(lane);
    tx.run(
      `UPDATE inbox SET state = 'recorded', reason = ?, due_at = ?, changed_at = ?, attempts = attempts + ?
       WHERE id = ? AND state = 'running'`,
      change.reason,
      change.dueAt,
      change.at,
      change.counts ? 1 : 0,
      id,
    );
  }
  for (const lane of lanes) promote(tx, lane);
}

/**
 * Records closed rows of one lane again, as if they had just come; the oldest that waits is next, unless one is in hand. For use
 * inside the commands of other families.
 */
export function recordAgain(
  tx: Tx,
  { ids, lane, at }: { readonly ids: readonly number[]; readonly lane: string; readonly at: number },
): void {
  for (const id of ids) {
    tx.run(
      `UPDATE inbox SET state = 'recorded', reason = NULL, head = 0, due_at = ?, attempts = 0, early_deaths = 0, changed_at = ?
       WHERE id = ?`,
      at,
      at,
      id,
    );
  }
  tx.run(`UPDATE inbox SET head = 0 WHERE lane = ? AND state = 'recorded' AND ${OPEN} AND head = 1`, lane);
  promote(tx, lane);
}

/** Rows that wait for nobody's decision any more. For use inside the commands of other families. */
export function markKept(tx: Tx, ids: readonly number[], why: { readonly reason: string; readonly at: number }): void {
  for (const id of ids) {
    tx.run("UPDATE inbox SET state = 'done', reason = ?, changed_at = ? WHERE id = ?", why.reason, why.at, id);
  }
}

/**
 * After a start: what was in hand when the last process died is recorded again, and that death counts: as an attempt once the
 * message had a run, else among the early ones, when its files may just have been on their way. Returns how many rows.
 */
export function recoverRows(tx: Tx, now: number): number {
  const running = tx.run(
    `UPDATE inbox SET state = 'recorded', changed_at = ?, attempts = attempts + (id IN ${WITH_RUN}), early_deaths = early_deaths + (id NOT IN ${WITH_RUN})
     WHERE state = 'running' AND ${OPEN}`,
    now,
  );
  tx.run(
    `UPDATE inbox SET head = (id = (SELECT MIN(o.id) FROM inbox o WHERE o.lane = inbox.lane AND o.state = 'recorded' AND o.${OPEN}))
     WHERE ${OPEN}`,
  );
  return running;
}

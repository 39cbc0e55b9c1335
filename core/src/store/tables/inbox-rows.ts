import type { Inbound } from "openclaw-host-sdk";
import { useMediaOfLast } from "./media-uses.ts";
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
export interface InboxClaim {
  readonly ids: readonly number[];
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
  readonly events: readonly Inbound[];
  /** Earlier attempts that did not end. */
  readonly attempts: number;
  /** True when the first message answers one that this account sent. */
  readonly repliesToUs: boolean;
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
  readonly dueAt: number;
}

export const OPEN = "state IN ('recorded', 'running')";

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

function promote(tx: Tx, lane: string): void {
  tx.run(
    `UPDATE inbox SET head = 1
     WHERE id = (SELECT id FROM inbox WHERE lane = ? AND state = 'recorded' AND ${OPEN} ORDER BY id LIMIT 1)
       AND NOT EXISTS (SELECT 1 FROM inbox WHERE lane = ? AND state = 'running' AND ${OPEN})`,
    lane,
    lane,
  );
}

function laneOf(tx: Tx, id: number): string | undefined {
  return tx.get<{ lane: string }>("SELECT lane FROM inbox WHERE id = ?", id)?.lane;
}

function promoteAll(tx: Tx, ids: readonly number[]): void {
  const lanes = new Set(ids.map((id) => laneOf(tx, id)).filter((lane) => lane !== undefined));
  for (const lane of lanes) promote(tx, lane);
}

/**
 * Closes rows and lets their lanes go on. For use inside the commands of other families: the transaction that closes a run
 * closes its rows. `at` is epoch ms.
 */
export function markInbox(
  tx: Tx,
  ids: readonly number[],
  change: { readonly state: InboxFinal; readonly at: number; readonly reason?: string },
): void {
  for (const id of ids) {
    tx.run(
      "UPDATE inbox SET state = ?, reason = ?, head = 0, changed_at = ? WHERE id = ?",
      change.state,
      change.reason ?? null,
      change.at,
      id,
    );
  }
  promoteAll(tx, ids);
}

/** As the partial index `inbox_suspects` has it: in hand at two deaths of the process, a message may be the reason for them. */
const SUSPECT = "attempts >= 2";
const HEAD = "SELECT id, channel, account, lane, album, attempts, due_at AS dueAt FROM inbox WHERE head = 1";
const EARLIEST = "ORDER BY due_at, id LIMIT 1";

const isEarlier = (a: Head, b: Head): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.id < b.id);

/**
 * The row that may run first, now or later, over all accounts or the named ones. Suspects run one at a time: at the next
 * death only one of them was in hand, so that one message which kills the process takes no other with it.
 */
export function earliestHead(tx: Tx, accounts: readonly AccountName[] | undefined): Head | undefined {
  const suspectRuns = tx.get(`SELECT 1 FROM inbox WHERE state = 'running' AND ${SUSPECT} AND ${OPEN}`) !== undefined;
  const heads = suspectRuns ? `${HEAD} AND NOT ${SUSPECT}` : HEAD;
  if (accounts === undefined) return tx.get<Head>(`${heads} ${EARLIEST}`);
  let earliest: Head | undefined;
  for (const { channel, account } of accounts) {
    const head = tx.get<Head>(`${heads} AND channel = ? AND account = ? ${EARLIEST}`, channel, account);
    if (head !== undefined && (earliest === undefined || isEarlier(head, earliest))) earliest = head;
  }
  return earliest;
}

export interface ClaimedRow {
  readonly id: number;
  readonly event: string;
}

/** Messages of a burst that become one turn at most: what a long silence of ours piled up is read in portions. */
const MAX_BURST = 50;

/** The row itself, or all pieces of its album or burst. */
export function rowsOf(tx: Tx, head: Head): ClaimedRow[] {
  if (head.album === null) return tx.all<ClaimedRow>("SELECT id, event FROM inbox WHERE id = ?", head.id);
  if (head.album.startsWith(BURST)) {
    return tx.all<ClaimedRow>(
      `SELECT id, event FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}
         AND id < COALESCE((SELECT MIN(o.id) FROM inbox o WHERE o.lane = ? AND o.id > ? AND o.album IS NOT ? AND o.state = 'recorded' AND o.${OPEN}), id + 1)
       ORDER BY id LIMIT ${MAX_BURST}`,
      head.lane,
      head.album,
      head.lane,
      head.id,
      head.album,
    );
  }
  return tx.all<ClaimedRow>(
    `SELECT id, event FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN} ORDER BY id`,
    head.lane,
    head.album,
  );
}

export function takeRows(tx: Tx, ids: readonly number[], now: number): void {
  for (const id of ids) tx.run("UPDATE inbox SET state = 'running', head = 0, changed_at = ? WHERE id = ?", now, id);
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
  for (const id of ids) {
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
  promoteAll(tx, ids);
}

export function answersOurs(tx: Tx, head: Head, event: Inbound | undefined): boolean {
  if (event?.type !== "message" || event.replyTo === undefined) return false;
  const found = tx.get(
    "SELECT 1 FROM sent_messages WHERE channel = ? AND account = ? AND peer = ? AND message_id = ?",
    head.channel,
    head.account,
    event.peer.id,
    event.replyTo,
  );
  return found !== undefined;
}

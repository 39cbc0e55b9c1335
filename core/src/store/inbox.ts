import type { Inbound } from "openclaw-host-sdk";
import { type OutboxIntent, insertIntents } from "./outbox.ts";
import type { Tx } from "./tx.ts";

/** An account by its config label. */
export interface AccountName {
  readonly channel: string;
  readonly account: string;
}

/** `parked` waits for the owner; `refused` was kept out by policy. Both carry a reason and are final. */
export type InboxFinal = "done" | "refused" | "parked";

/** One event as it is recorded. Without `turn` it is closed at once, for the reason given. */
export interface InboxEntry {
  readonly eventId: string;
  readonly lane: string;
  readonly event: Inbound;
  /** Album id; its pieces become one claim. */
  readonly album?: string;
  readonly closedBecause?: string;
}

/** What a turn works on: one message, or the pieces of one album. */
export interface InboxClaim {
  readonly ids: readonly number[];
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
  readonly events: readonly Inbound[];
  /** Claims of these rows so far, this one included. */
  readonly attempts: number;
  /** True when the first message answers one that this account sent. */
  readonly repliesToUs: boolean;
}

/** An answer to somebody who was refused, sent at most once per sender and account. */
export interface RefusalAnswer extends AccountName {
  readonly sender: string;
  readonly intents: readonly OutboxIntent[];
}

interface ReceiveArgs extends AccountName {
  readonly lease: string;
  readonly at: number;
  /** How long an album waits for its next piece, and in all, ms. */
  readonly album: { readonly quietMs: number; readonly maxMs: number };
  readonly cursor?: string;
  readonly entries: readonly InboxEntry[];
}

interface Head {
  readonly id: number;
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
  readonly album: string | null;
  readonly attempts: number;
}

const OPEN = "state IN ('recorded', 'running')";

const INSERT = `INSERT INTO inbox (channel, lease, account, event_id, lane, album, event, at, received_at, state, reason, due_at, changed_at, head)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    CASE WHEN ? THEN NOT EXISTS (SELECT 1 FROM inbox WHERE lane = ? AND ${OPEN}) ELSE 0 END)
  ON CONFLICT (channel, lease, event_id) DO NOTHING`;

function insertEntry(tx: Tx, args: ReceiveArgs, entry: InboxEntry): boolean {
  const open = entry.closedBecause === undefined;
  const inserted = tx.run(
    INSERT,
    args.channel,
    args.lease,
    args.account,
    entry.eventId,
    entry.lane,
    entry.album ?? null,
    JSON.stringify(entry.event),
    entry.event.at,
    args.at,
    open ? "recorded" : "done",
    entry.closedBecause ?? null,
    args.at,
    args.at,
    open ? 1 : 0,
    entry.lane,
  );
  if (inserted > 0 && open && entry.album !== undefined) delayAlbum(tx, args, entry.lane, entry.album);
  return inserted > 0;
}

/** Every new piece moves the whole album's time, up to the longest wait after its first piece. */
function delayAlbum(tx: Tx, args: ReceiveArgs, lane: string, album: string): void {
  tx.run(
    `UPDATE inbox SET due_at = MIN(?, (SELECT MIN(received_at) FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}) + ?)
     WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN}`,
    args.at + args.album.quietMs,
    lane,
    album,
    args.album.maxMs,
    lane,
    album,
  );
}

function promote(tx: Tx, lane: string): void {
  tx.run(
    `UPDATE inbox SET head = 1
     WHERE id = (SELECT id FROM inbox WHERE lane = ? AND ${OPEN} ORDER BY id LIMIT 1)
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

const HEAD = "SELECT id, channel, account, lane, album, attempts FROM inbox WHERE head = 1";

/** The oldest row that may run, over all accounts or the named ones. */
function dueHead(tx: Tx, now: number, accounts: readonly AccountName[] | undefined): Head | undefined {
  if (accounts === undefined) return tx.get<Head>(`${HEAD} AND due_at <= ? ORDER BY id LIMIT 1`, now);
  let oldest: Head | undefined;
  for (const { channel, account } of accounts) {
    const head = tx.get<Head>(
      `${HEAD} AND channel = ? AND account = ? AND due_at <= ? ORDER BY id LIMIT 1`,
      channel,
      account,
      now,
    );
    if (head !== undefined && (oldest === undefined || head.id < oldest.id)) oldest = head;
  }
  return oldest;
}

interface ClaimedRow {
  readonly id: number;
  readonly event: string;
}

function claimRows(tx: Tx, head: Head, now: number): ClaimedRow[] {
  const rows =
    head.album === null
      ? tx.all<ClaimedRow>("SELECT id, event FROM inbox WHERE id = ?", head.id)
      : tx.all<ClaimedRow>(
          `SELECT id, event FROM inbox WHERE lane = ? AND album = ? AND state = 'recorded' AND ${OPEN} ORDER BY id`,
          head.lane,
          head.album,
        );
  for (const row of rows) {
    tx.run(
      "UPDATE inbox SET state = 'running', head = 0, attempts = attempts + 1, changed_at = ? WHERE id = ?",
      now,
      row.id,
    );
  }
  return rows;
}

function answersOurs(tx: Tx, head: Head, event: Inbound | undefined): boolean {
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

export const inboxCommands = {
  /** One transaction: rows and cursor together, so a cursor never passes an event that is not stored. */
  "inbox.receive": (tx: Tx, args: ReceiveArgs): { readonly stored: readonly boolean[] } => {
    const stored = args.entries.map((entry) => insertEntry(tx, args, entry));
    if (args.cursor !== undefined) {
      tx.run(
        `INSERT INTO inbox_cursors (channel, lease, cursor, changed_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (channel, lease) DO UPDATE SET cursor = excluded.cursor, changed_at = excluded.changed_at`,
        args.channel,
        args.lease,
        args.cursor,
        args.at,
      );
    }
    return { stored };
  },

  "inbox.cursor": (tx: Tx, args: { readonly channel: string; readonly lease: string }): string | undefined =>
    tx.get<{ cursor: string }>(
      "SELECT cursor FROM inbox_cursors WHERE channel = ? AND lease = ?",
      args.channel,
      args.lease,
    )?.cursor,

  /**
   * Takes the next row whose lane has nothing running. A row that was claimed `maxAttempts` times without being closed is
   * parked instead, so that a message which kills the process cannot do it for ever. Without a claim, `nextDueAt` says when
   * to ask again.
   */
  "inbox.claim": (
    tx: Tx,
    args: { readonly now: number; readonly maxAttempts: number; readonly accounts?: readonly AccountName[] },
  ): { readonly claim?: InboxClaim; readonly nextDueAt?: number } => {
    for (;;) {
      const head = dueHead(tx, args.now, args.accounts);
      if (head === undefined) {
        const next = tx.get<{ at: number | null }>(
          "SELECT MIN(due_at) AS at FROM inbox WHERE head = 1 AND due_at > ?",
          args.now,
        );
        return next?.at === null || next === undefined ? {} : { nextDueAt: next.at };
      }
      if (head.attempts >= args.maxAttempts) {
        const reason = `gave up after ${head.attempts} attempts that did not end`;
        markInbox(tx, [head.id], { state: "parked", reason, at: args.now });
        continue;
      }
      const rows = claimRows(tx, head, args.now);
      const events = rows.map((row) => JSON.parse(row.event) as Inbound);
      const { channel, account, lane } = head;
      const claim = { ids: rows.map((row) => row.id), channel, account, lane, events, attempts: head.attempts + 1 };
      return { claim: { ...claim, repliesToUs: answersOurs(tx, head, events[0]) } };
    }
  },

  "inbox.close": (
    tx: Tx,
    args: { readonly ids: readonly number[]; readonly state: InboxFinal; readonly reason: string; readonly at: number },
  ): void => markInbox(tx, args.ids, args),

  /** Closes rows as refused and, the first time for this sender, queues the answer in the same transaction. */
  "inbox.refuse": (
    tx: Tx,
    args: {
      readonly ids: readonly number[];
      readonly reason: string;
      readonly at: number;
      readonly answer?: RefusalAnswer;
    },
  ): { readonly answered: boolean } => {
    markInbox(tx, args.ids, { state: "refused", reason: args.reason, at: args.at });
    if (args.answer === undefined) return { answered: false };
    const { channel, account, sender, intents } = args.answer;
    const first = tx.run(
      "INSERT INTO access_answers (channel, account, sender, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      channel,
      account,
      sender,
      args.at,
    );
    if (first > 0) insertIntents(tx, intents);
    return { answered: first > 0 };
  },

  /** Gives claimed rows back, to be claimed again at `dueAt`. */
  "inbox.retry": (
    tx: Tx,
    args: { readonly ids: readonly number[]; readonly reason: string; readonly at: number; readonly dueAt: number },
  ): void => {
    for (const id of args.ids) {
      tx.run(
        "UPDATE inbox SET state = 'recorded', reason = ?, due_at = ?, changed_at = ? WHERE id = ? AND state = 'running'",
        args.reason,
        args.dueAt,
        args.at,
        id,
      );
    }
    promoteAll(tx, args.ids);
  },

  /** After a start: what ran when the last process ended is recorded again. Returns how many rows. */
  "inbox.recover": (tx: Tx, args: { readonly now: number }): number => {
    const running = tx.run(
      "UPDATE inbox SET state = 'recorded', changed_at = ? WHERE state = 'running' AND state IN ('recorded', 'running')",
      args.now,
    );
    tx.run(
      `UPDATE inbox SET head = (id = (SELECT MIN(o.id) FROM inbox o WHERE o.lane = inbox.lane AND o.state IN ('recorded', 'running')))
       WHERE ${OPEN}`,
    );
    return running;
  },

  /** Notes which identity an account has now and returns the one it had before, when that was another. */
  "inbox.identify": (
    tx: Tx,
    args: AccountName & { readonly lease: string; readonly at: number },
  ): string | undefined => {
    const known = tx.get<{ lease: string }>(
      "SELECT lease FROM channel_identities WHERE channel = ? AND account = ?",
      args.channel,
      args.account,
    );
    if (known?.lease === args.lease) return undefined;
    tx.run(
      `INSERT INTO channel_identities (channel, account, lease, changed_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (channel, account) DO UPDATE SET lease = excluded.lease, changed_at = excluded.changed_at`,
      args.channel,
      args.account,
      args.lease,
      args.at,
    );
    return known?.lease;
  },
};

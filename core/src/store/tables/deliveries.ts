import { type DeliveryRecord, type DeliveryRow, type OutboxState, deliveryRecord } from "./ledger.ts";
import { promoteIdle } from "./outbox-rows.ts";
import type { Tx } from "../tx.ts";

/** Which deliveries are listed. */
export interface DeliveryFilter {
  /** With at least one part in this state; for `sent`, with every part. */
  readonly state?: OutboxState;
  readonly channel?: string;
  readonly account?: string;
  /** The platform's event that it answers. */
  readonly eventId?: string;
  /** Created at this time or later, epoch ms. */
  readonly since?: number;
}

/** Where a page begins: after the delivery with these, in the order newest first. */
export interface DeliveryCursor {
  readonly createdAt: number;
  readonly deliveryId: string;
}

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRecord[];
  /** True when older ones follow. */
  readonly more: boolean;
}

/** What the owner decided on a delivery. */
export interface Decided {
  /** Parts it changed. */
  readonly parts: number;
  /** True when a part is on its way at this moment, so that nothing was changed. */
  readonly sending: boolean;
}

/** Parts of one account whose fate nobody knows. */
export interface ParkedParts {
  readonly channel: string;
  readonly account: string;
  readonly count: number;
  /** The delivery that was parked first. */
  readonly deliveryId: string;
}

/** Each as its partial index has it, word for word: the few parts in question are found without a look at the many others. */
function inState(state: OutboxState): string {
  switch (state) {
    case "sent":
      return "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.delivery_id = deliveries.id AND o.state <> ?)";
    case "unknown":
    case "dead":
      return "id IN (SELECT delivery_id FROM outbox WHERE state = ? AND state IN ('unknown', 'dead'))";
    case "sending":
      // A draft that is being written on has no time at which something is due.
      return `id IN (SELECT delivery_id FROM outbox WHERE state = ? AND next_at IS NOT NULL
        UNION ALL SELECT o.delivery_id FROM drafts f JOIN outbox o ON o.id = f.outbox_id WHERE f.stage = 'open')`;
    case "queued":
    case "retry":
      return "id IN (SELECT delivery_id FROM outbox WHERE state = ? AND next_at IS NOT NULL)";
  }
}

/**
 * An event is found through the identities that accounts have or had: ids are unique within one of them. CROSS JOIN keeps
 * the order, so that every step is a look-up: https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join
 */
const OF_EVENT = `id IN (SELECT origin.delivery_id
  FROM (SELECT channel, lease FROM channel_identities UNION SELECT channel, lease FROM inbox_cursors) who
  CROSS JOIN inbox ON inbox.channel = who.channel AND inbox.lease = who.lease AND inbox.event_id = ?
  CROSS JOIN delivery_origins origin ON origin.inbox_id = inbox.id)`;

function conditions(filter: DeliveryFilter): { readonly sql: string[]; readonly values: (string | number)[] } {
  const { state, channel, account, eventId, since } = filter;
  const wanted: readonly (readonly [string, string | number | undefined])[] = [
    ["created_at >= ?", since],
    ["channel = ?", channel],
    ["account = ?", account],
    [OF_EVENT, eventId],
    [state === undefined ? "" : inState(state), state],
  ];
  const given = wanted.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  return { sql: given.map(({ sql }) => sql), values: given.map(({ value }) => value) };
}

function list(
  tx: Tx,
  args: { readonly filter: DeliveryFilter; readonly limit: number; readonly after?: DeliveryCursor },
): DeliveryPage {
  const { sql, values } = conditions(args.filter);
  const { after, limit } = args;
  if (after !== undefined) {
    sql.push("(created_at, id) < (?, ?)");
    values.push(after.createdAt, after.deliveryId);
  }
  const where = sql.length === 0 ? "" : `WHERE ${sql.join(" AND ")}`;
  const rows = tx.all<DeliveryRow>(
    `SELECT * FROM deliveries ${where} ORDER BY created_at DESC, id DESC LIMIT ?`,
    ...values,
    limit + 1,
  );
  return { deliveries: rows.slice(0, limit).map((row) => deliveryRecord(tx, row)), more: rows.length > limit };
}

const PARKED = "state = 'unknown' AND state IN ('unknown', 'dead') AND next_at IS NULL";

function laneOf(tx: Tx, deliveryId: string): string | undefined {
  return tx.get<{ lane: string }>("SELECT lane FROM deliveries WHERE id = ?", deliveryId)?.lane;
}

const isSending = (tx: Tx, deliveryId: string): boolean =>
  tx.get("SELECT 1 FROM outbox WHERE delivery_id = ? AND state = 'sending'", deliveryId) !== undefined;

/** Runs what the owner decided, unless a part is on its way: nobody can tell then what the decision would change. */
function decide(tx: Tx, deliveryId: string, change: () => number): Decided | undefined {
  const lane = laneOf(tx, deliveryId);
  if (lane === undefined) return undefined;
  if (isSending(tx, deliveryId)) return { parts: 0, sending: true };
  const parts = change();
  promoteIdle(tx, lane);
  return { parts, sending: false };
}

/** The ledger as its owner uses it. Undefined for an unknown delivery. */
export const deliveriesCommands = {
  "deliveries.list": (
    tx: Tx,
    args: { readonly filter: DeliveryFilter; readonly limit: number; readonly after?: DeliveryCursor },
  ): DeliveryPage => list(tx, args),

  /**
   * Queues parked and dead parts again, with a new budget of attempts; what was sent stays sent. A draft of unknown fate is left
   * alone: its run's answer went out as a message of its own.
   */
  "deliveries.retry": (tx: Tx, args: { readonly deliveryId: string; readonly at: number }): Decided | undefined =>
    decide(tx, args.deliveryId, () =>
      tx.run(
        `UPDATE outbox SET state = 'queued', reason = NULL, granted = attempts, checks = 0, next_at = ?, changed_at = ?
         WHERE delivery_id = ? AND (state = 'dead' OR (state = 'unknown' AND next_at IS NULL))
           AND id NOT IN (SELECT outbox_id FROM drafts WHERE stage = 'lost')`,
        args.at,
        args.at,
        args.deliveryId,
      ),
    ),

  /** Gives up whatever of it was not sent. */
  "deliveries.drop": (
    tx: Tx,
    args: { readonly deliveryId: string; readonly reason: string; readonly at: number },
  ): Decided | undefined =>
    decide(tx, args.deliveryId, () =>
      tx.run(
        "UPDATE outbox SET state = 'dead', reason = ?, head = 0, next_at = NULL, changed_at = ? WHERE delivery_id = ? AND state NOT IN ('sent', 'dead')",
        args.reason,
        args.at,
        args.deliveryId,
      ),
    ),

  "deliveries.parked": (tx: Tx, _args: Record<string, never>): readonly ParkedParts[] =>
    tx.all<ParkedParts & Record<string, never>>(
      `SELECT first.channel, first.account, parked.count, first.delivery_id AS deliveryId
       FROM (SELECT COUNT(*) AS count, MIN(id) AS id FROM outbox WHERE ${PARKED} GROUP BY channel, account) parked
       JOIN outbox first ON first.id = parked.id`,
    ),
};

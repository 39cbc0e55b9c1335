import type { Outbound, Receipt } from "openclaw-host-sdk";
import type { Tx } from "../tx.ts";

export type OutboxState = "queued" | "sending" | "sent" | "retry" | "unknown" | "dead";

/** What is known of one part. Times are epoch ms. */
export interface PartRecord {
  readonly index: number;
  readonly state: OutboxState;
  readonly reason?: string;
  readonly receipt?: Receipt;
  readonly attempts: number;
  readonly nextAt?: number;
  readonly changedAt: number;
}

/** What is known of one message that leaves, or left. */
export interface DeliveryRecord {
  readonly deliveryId: string;
  readonly channel: string;
  readonly account: string;
  readonly runId?: string;
  readonly outbound: Outbound;
  readonly createdAt: number;
  readonly parts: readonly PartRecord[];
}

/** An event of a platform that a delivery answers. Times are epoch ms. */
export interface OriginEvent {
  readonly eventId: string;
  /** Present for messages. */
  readonly messageId?: string;
  readonly at: number;
  readonly receivedAt: number;
  readonly state: string;
}

/** A delivery with the way that led to it: platform events -> run -> delivery -> receipts. */
export interface FollowedDelivery extends DeliveryRecord {
  /** None when nothing that came in caused it, as with `send`. */
  readonly events: readonly OriginEvent[];
  /** Absent without a run, and once the run is forgotten. */
  readonly run?: { readonly door: string; readonly sessionKey: string; readonly state: string };
}

/**
 * The state of a whole message. `final` is false while a part may still be sent. A message is `dead` or `unknown` when one of
 * its parts is; the reason is that part's.
 */
export interface DeliveryOutcome {
  readonly deliveryId: string;
  readonly state: OutboxState;
  readonly final: boolean;
  readonly reason?: string;
  /** Receipts of the parts that were sent, in order. */
  readonly receipts: readonly Receipt[];
}

/** How many rows of one account are in one state. */
export interface StateCount {
  readonly channel: string;
  readonly account: string;
  readonly direction: "in" | "out";
  readonly state: string;
  readonly count: number;
}

interface PartRow {
  readonly part: number;
  readonly state: OutboxState;
  readonly reason: string | null;
  readonly receipt: string | null;
  readonly attempts: number;
  readonly next_at: number | null;
  readonly changed_at: number;
}

/** The columns of a delivery as SQLite returns them. */
export interface DeliveryRow {
  readonly id: string;
  readonly channel: string;
  readonly account: string;
  readonly run_id: string | null;
  readonly outbound: string;
  readonly created_at: number;
}

function partsOf(tx: Tx, deliveryId: string): PartRow[] {
  return tx.all<PartRow>(
    "SELECT part, state, reason, receipt, attempts, next_at, changed_at FROM outbox WHERE delivery_id = ? ORDER BY part",
    deliveryId,
  );
}

const parseReceipt = (json: string): Receipt => JSON.parse(json) as Receipt;

/** The part that stands for the whole message. */
export function decisive<P extends { readonly state: OutboxState }>(parts: readonly P[]): P | undefined {
  return (
    parts.find((part) => part.state === "dead") ??
    parts.find((part) => part.state === "unknown") ??
    parts.find((part) => part.state !== "sent") ??
    parts[0]
  );
}

/** Undefined for an unknown delivery. */
export function deliveryOutcome(tx: Tx, deliveryId: string): DeliveryOutcome | undefined {
  const parts = partsOf(tx, deliveryId);
  const part = decisive(parts);
  if (part === undefined) return undefined;
  const receipts = parts.map((part) => part.receipt).filter((receipt) => receipt !== null);
  return {
    deliveryId,
    state: part.state,
    final: parts.every((part) => part.next_at === null),
    ...(part.reason === null ? {} : { reason: part.reason }),
    receipts: receipts.map(parseReceipt),
  };
}

function toPart(row: PartRow): PartRecord {
  return {
    index: row.part,
    state: row.state,
    attempts: row.attempts,
    changedAt: row.changed_at,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.receipt === null ? {} : { receipt: parseReceipt(row.receipt) }),
    ...(row.next_at === null ? {} : { nextAt: row.next_at }),
  };
}

/** The record behind a row. For use inside the commands of other families. */
export function deliveryRecord(tx: Tx, row: DeliveryRow): DeliveryRecord {
  return {
    deliveryId: row.id,
    channel: row.channel,
    account: row.account,
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    outbound: JSON.parse(row.outbound) as Outbound,
    createdAt: row.created_at,
    parts: partsOf(tx, row.id).map(toPart),
  };
}

interface EventRow {
  readonly event_id: string;
  readonly message_id: string | null;
  readonly at: number;
  readonly received_at: number;
  readonly state: string;
}

function eventsOf(tx: Tx, deliveryId: string): OriginEvent[] {
  const rows = tx.all<EventRow>(
    `SELECT event_id, event ->> '$.messageId' AS message_id, at, received_at, state
     FROM inbox WHERE id IN (SELECT inbox_id FROM delivery_origins WHERE delivery_id = ?) ORDER BY id`,
    deliveryId,
  );
  return rows.map((row) => ({
    eventId: row.event_id,
    ...(row.message_id === null ? {} : { messageId: row.message_id }),
    at: row.at,
    receivedAt: row.received_at,
    state: row.state,
  }));
}

function follow(tx: Tx, deliveryId: string): FollowedDelivery | undefined {
  const row = tx.get<DeliveryRow>("SELECT * FROM deliveries WHERE id = ?", deliveryId);
  if (row === undefined) return undefined;
  const run = tx.get<NonNullable<FollowedDelivery["run"]>>(
    "SELECT door, session_key AS sessionKey, state FROM runs WHERE run_id = ?",
    row.run_id,
  );
  return {
    ...deliveryRecord(tx, row),
    events: eventsOf(tx, row.id),
    ...(run === undefined ? {} : { run: { ...run } }),
  };
}

/** Reads over inbox and outbox. None of them writes. */
export const ledgerCommands = {
  "ledger.outcome": (tx: Tx, args: { readonly deliveryId: string }): DeliveryOutcome | undefined =>
    deliveryOutcome(tx, args.deliveryId),

  "ledger.delivery": (tx: Tx, args: { readonly deliveryId: string }): FollowedDelivery | undefined =>
    follow(tx, args.deliveryId),

  "ledger.counts": (tx: Tx, _args: Record<string, never>): readonly StateCount[] =>
    tx.all<StateCount & Record<string, never>>(
      `SELECT channel, account, 'in' AS direction, state, COUNT(*) AS count FROM inbox GROUP BY channel, account, state
       UNION ALL
       SELECT channel, account, 'out' AS direction, state, COUNT(*) AS count FROM outbox GROUP BY channel, account, state`,
    ),
};

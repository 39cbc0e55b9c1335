import type { Outbound, Receipt } from "openclaw-host-sdk";
import type { Tx } from "./tx.ts";

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

interface DeliveryRow {
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

/** Undefined for an unknown delivery. */
export function deliveryOutcome(tx: Tx, deliveryId: string): DeliveryOutcome | undefined {
  const parts = partsOf(tx, deliveryId);
  const decisive =
    parts.find((part) => part.state === "dead") ??
    parts.find((part) => part.state === "unknown") ??
    parts.find((part) => part.state !== "sent") ??
    parts[0];
  if (decisive === undefined) return undefined;
  const receipts = parts.map((part) => part.receipt).filter((receipt) => receipt !== null);
  return {
    deliveryId,
    state: decisive.state,
    final: parts.every((part) => part.next_at === null),
    ...(decisive.reason === null ? {} : { reason: decisive.reason }),
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

/** Reads over inbox and outbox. None of them writes. */
export const ledgerCommands = {
  "ledger.outcome": (tx: Tx, args: { readonly deliveryId: string }): DeliveryOutcome | undefined =>
    deliveryOutcome(tx, args.deliveryId),

  "ledger.delivery": (tx: Tx, args: { readonly deliveryId: string }): DeliveryRecord | undefined => {
    const row = tx.get<DeliveryRow>("SELECT * FROM deliveries WHERE id = ?", args.deliveryId);
    if (row === undefined) return undefined;
    return {
      deliveryId: row.id,
      channel: row.channel,
      account: row.account,
      ...(row.run_id === null ? {} : { runId: row.run_id }),
      outbound: JSON.parse(row.outbound) as Outbound,
      createdAt: row.created_at,
      parts: partsOf(tx, row.id).map(toPart),
    };
  },

  "ledger.counts": (tx: Tx, _args: Record<string, never>): readonly StateCount[] =>
    tx.all<StateCount & Record<string, never>>(
      `SELECT channel, account, 'in' AS direction, state, COUNT(*) AS count FROM inbox GROUP BY channel, account, state
       UNION ALL
       SELECT channel, account, 'out' AS direction, state, COUNT(*) AS count FROM outbox GROUP BY channel, account, state`,
    ),
};

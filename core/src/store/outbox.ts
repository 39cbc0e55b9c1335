import type { Outbound, Part, Peer, Receipt } from "openclaw-host-sdk";
import type { DeliveryOutcome } from "./ledger.ts";
import { deliveryOutcome } from "./ledger.ts";
import type { Tx } from "./tx.ts";

/** One part of one message on its way out: one platform call. */
export interface OutboxIntent {
  readonly deliveryId: string;
  readonly channel: string;
  readonly account: string;
  /** Parts of one lane leave one after the other. */
  readonly lane: string;
  readonly outbound: Outbound;
  readonly part: Part;
  /** The run whose answer it is. */
  readonly runId?: string;
  /** Epoch ms. */
  readonly at: number;
}

/** A part to act on: send it, or ask the platform what became of it. */
export interface OutboxClaim {
  readonly id: number;
  readonly task: "send" | "reconcile";
  readonly deliveryId: string;
  readonly outbound: Outbound;
  readonly part: Part;
  /** Sends so far, this one included. */
  readonly attempt: number;
  /** Reconciliations so far, this one included. */
  readonly checks: number;
}

/** What became of a claimed part. Times are epoch ms. */
export type Settlement =
  | { readonly state: "sent"; readonly receipt: Receipt }
  | {
      readonly state: "retry";
      readonly nextAt: number;
      readonly reason: string;
      /** False when the attempt does not count, because the account failed and not the message. */
      readonly counts: boolean;
      readonly movedTo?: Peer;
    }
  /** With `nextAt` it is asked about again; without, it is parked. */
  | { readonly state: "unknown"; readonly reason: string; readonly nextAt?: number }
  | { readonly state: "dead"; readonly reason: string };

/** Stores intents; one that is stored already stays as it is. For use inside the commands of other families. */
export function insertIntents(tx: Tx, intents: readonly OutboxIntent[]): void {
  for (const intent of intents) {
    tx.run(
      "INSERT INTO deliveries (id, channel, account, lane, run_id, outbound, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      intent.deliveryId,
      intent.channel,
      intent.account,
      intent.lane,
      intent.runId ?? null,
      JSON.stringify(intent.outbound),
      intent.at,
    );
    tx.run(
      `INSERT INTO outbox (delivery_id, part, parts, payload, channel, account, lane, state, head, next_at, changed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', NOT EXISTS (SELECT 1 FROM outbox WHERE lane = ? AND next_at IS NOT NULL), ?, ?)
       ON CONFLICT (delivery_id, part) DO NOTHING`,
      intent.deliveryId,
      intent.part.index,
      intent.part.of,
      JSON.stringify(intent.part),
      intent.channel,
      intent.account,
      intent.lane,
      intent.lane,
      intent.at,
      intent.at,
    );
  }
}

interface ClaimRow {
  readonly id: number;
  readonly delivery_id: string;
  readonly outbound: string;
  readonly payload: string;
  readonly state: string;
  readonly attempts: number;
  readonly checks: number;
}

function take(tx: Tx, row: ClaimRow, now: number): OutboxClaim {
  const reconciles = row.state === "unknown";
  const counter = reconciles ? "checks = checks + 1" : "state = 'sending', attempts = attempts + 1";
  tx.run(`UPDATE outbox SET head = 0, ${counter}, changed_at = ? WHERE id = ?`, now, row.id);
  return {
    id: row.id,
    task: reconciles ? "reconcile" : "send",
    deliveryId: row.delivery_id,
    outbound: JSON.parse(row.outbound) as Outbound,
    part: JSON.parse(row.payload) as Part,
    attempt: row.attempts + (reconciles ? 0 : 1),
    checks: row.checks + (reconciles ? 1 : 0),
  };
}

interface SettledRow {
  readonly delivery_id: string;
  readonly part: number;
  readonly parts: number;
  readonly channel: string;
  readonly account: string;
  readonly lane: string;
}

function noteSent(tx: Tx, row: SettledRow, receipt: Receipt): void {
  for (const id of receipt.ids) {
    tx.run(
      "INSERT INTO sent_messages (channel, account, peer, message_id, delivery_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      row.channel,
      row.account,
      receipt.peer.id,
      id,
      row.delivery_id,
    );
  }
}

/** A message with a hole in it is worse than a short one: later parts of a refused part are not sent. */
function buryRest(tx: Tx, row: SettledRow, at: number): void {
  tx.run(
    "UPDATE outbox SET state = 'dead', reason = ?, head = 0, next_at = NULL, changed_at = ? WHERE delivery_id = ? AND part > ? AND next_at IS NOT NULL",
    `part ${row.part + 1} of ${row.parts} could not be sent`,
    at,
    row.delivery_id,
    row.part,
  );
}

function move(tx: Tx, deliveryId: string, to: Peer): void {
  tx.run(
    "UPDATE deliveries SET outbound = json_set(outbound, '$.to', json(?)) WHERE id = ?",
    JSON.stringify(to),
    deliveryId,
  );
}

function nextAtOf(settlement: Settlement): number | null {
  switch (settlement.state) {
    case "sent":
    case "dead":
      return null;
    case "retry":
      return settlement.nextAt;
    case "unknown":
      return settlement.nextAt ?? null;
  }
}

function apply(tx: Tx, row: SettledRow, args: { id: number; at: number; settlement: Settlement }): void {
  const { id, at, settlement } = args;
  const uncounted = settlement.state === "retry" && !settlement.counts ? 1 : 0;
  tx.run(
    "UPDATE outbox SET state = ?, reason = ?, receipt = ?, next_at = ?, attempts = attempts - ?, head = 0, changed_at = ? WHERE id = ?",
    settlement.state,
    settlement.state === "sent" ? null : settlement.reason,
    settlement.state === "sent" ? JSON.stringify(settlement.receipt) : null,
    nextAtOf(settlement),
    uncounted,
    at,
    id,
  );
  if (settlement.state === "sent") noteSent(tx, row, settlement.receipt);
  if (settlement.state === "dead") buryRest(tx, row, at);
  if (settlement.state === "retry" && settlement.movedTo !== undefined) move(tx, row.delivery_id, settlement.movedTo);
}

const DUE = `SELECT o.id, o.delivery_id, o.payload, o.state, o.attempts, o.checks, d.outbound
  FROM outbox o JOIN deliveries d ON d.id = o.delivery_id
  WHERE o.head = 1 AND o.channel = ? AND o.account = ? AND o.next_at <= ? ORDER BY o.next_at, o.id LIMIT ?`;

export const outboxCommands = {
  "outbox.enqueue": (tx: Tx, args: { readonly intents: readonly OutboxIntent[] }): void =>
    insertIntents(tx, args.intents),

  /** Commits `sending` for up to `limit` due parts of one account, one per lane. `nextAt` is when the next one is due. */
  "outbox.claim": (
    tx: Tx,
    args: { readonly channel: string; readonly account: string; readonly now: number; readonly limit: number },
  ): { readonly claims: readonly OutboxClaim[]; readonly nextAt?: number } => {
    const rows = tx.all<ClaimRow>(DUE, args.channel, args.account, args.now, args.limit);
    const claims = rows.map((row) => take(tx, row, args.now));
    const next = tx.get<{ at: number | null }>(
      "SELECT MIN(next_at) AS at FROM outbox WHERE head = 1 AND channel = ? AND account = ?",
      args.channel,
      args.account,
    );
    return next === undefined || next.at === null ? { claims } : { claims, nextAt: next.at };
  },

  /** Commits what became of a claimed part; returns the delivery's outcome once none of its parts is open. */
  "outbox.settle": (
    tx: Tx,
    args: { readonly id: number; readonly at: number; readonly settlement: Settlement },
  ): { readonly deliveryId: string; readonly outcome?: DeliveryOutcome } | undefined => {
    const row = tx.get<SettledRow>(
      "SELECT delivery_id, part, parts, channel, account, lane FROM outbox WHERE id = ?",
      args.id,
    );
    if (row === undefined) return undefined;
    apply(tx, row, args);
    tx.run(
      "UPDATE outbox SET head = 1 WHERE id = (SELECT id FROM outbox WHERE lane = ? AND next_at IS NOT NULL ORDER BY id LIMIT 1)",
      row.lane,
    );
    const outcome = deliveryOutcome(tx, row.delivery_id);
    const final = outcome !== undefined && outcome.final ? { outcome } : {};
    return { deliveryId: row.delivery_id, ...final };
  },

  /** After a start: nobody knows what became of a part that was being sent. Returns how many there were. */
  "outbox.recover": (tx: Tx, args: { readonly now: number }): number => {
    const unknown = tx.run(
      "UPDATE outbox SET state = 'unknown', reason = 'the gateway stopped while it was being sent', next_at = ?, changed_at = ? WHERE state = 'sending' AND next_at IS NOT NULL",
      args.now,
      args.now,
    );
    tx.run(
      `UPDATE outbox SET head = (id = (SELECT MIN(o.id) FROM outbox o WHERE o.lane = outbox.lane AND o.next_at IS NOT NULL))
       WHERE next_at IS NOT NULL`,
    );
    return unknown;
  },
};

import type { Outbound, Part, Peer, Receipt } from "openclaw-host-sdk";
import type { DeliveryOutcome } from "./ledger.ts";
import { deliveryOutcome } from "./ledger.ts";
import { type OutboxIntent, insertIntents } from "./outbox-intents.ts";
import type { Tx } from "../tx.ts";

export type { OutboxIntent } from "./outbox-intents.ts";

/** A part to act on: send it, or ask the platform what became of it. */
export interface OutboxClaim {
  readonly id: number;
  readonly task: "send" | "reconcile";
  readonly deliveryId: string;
  /** The run whose answer it is. */
  readonly runId?: string;
  readonly outbound: Outbound;
  readonly part: Part;
  /** Sends so far, this one included. */
  readonly attempt: number;
  /** Of these, the sends since the owner last asked for the part again. */
  readonly tries: number;
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

/** What a part was claimed as; a part that changed since is not settled by it. */
export type ClaimKey = Pick<OutboxClaim, "id" | "attempt" | "checks">;

/** What a change of one part means to its delivery. `outcome` is present once none of the delivery's parts is open. */
export interface Settled {
  readonly deliveryId: string;
  readonly outcome?: DeliveryOutcome;
}

interface ClaimRow {
  readonly id: number;
  readonly delivery_id: string;
  readonly run_id: string | null;
  readonly outbound: string;
  readonly payload: string;
  readonly state: string;
  readonly attempts: number;
  readonly granted: number;
  readonly checks: number;
}

function take(tx: Tx, row: ClaimRow, now: number): OutboxClaim {
  const reconciles = row.state === "unknown";
  const counter = reconciles ? "checks = checks + 1" : "state = 'sending', attempts = attempts + 1";
  tx.run(`UPDATE outbox SET head = 2, ${counter}, changed_at = ? WHERE id = ?`, now, row.id);
  const attempt = row.attempts + (reconciles ? 0 : 1);
  return {
    id: row.id,
    task: reconciles ? "reconcile" : "send",
    deliveryId: row.delivery_id,
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    outbound: JSON.parse(row.outbound) as Outbound,
    part: JSON.parse(row.payload) as Part,
    attempt,
    tries: attempt - row.granted,
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

/** The lane's oldest open part is next. Only right while nothing of the lane is in flight. */
function promote(tx: Tx, lane: string): void {
  tx.run(
    "UPDATE outbox SET head = 1 WHERE id = (SELECT id FROM outbox WHERE lane = ? AND next_at IS NOT NULL ORDER BY id LIMIT 1)",
    lane,
  );
}

/** As `promote`, for a change from outside the lane's own flow. For use inside the commands of other families. */
export function promoteIdle(tx: Tx, lane: string): void {
  if (tx.get("SELECT 1 FROM outbox WHERE lane = ? AND next_at IS NOT NULL AND head = 2", lane) !== undefined) return;
  tx.run("UPDATE outbox SET head = 0 WHERE lane = ? AND next_at IS NOT NULL AND head = 1", lane);
  promote(tx, lane);
}

function settledOf(tx: Tx, deliveryId: string): Settled {
  const outcome = deliveryOutcome(tx, deliveryId);
  return outcome !== undefined && outcome.final ? { deliveryId, outcome } : { deliveryId };
}

const SETTLED = "SELECT delivery_id, part, parts, channel, account, lane, state, attempts FROM outbox WHERE id = ?";

const keyOf = ({ id, attempt, checks }: ClaimKey) => [id, attempt, checks] as const;

const DUE = `SELECT o.id, o.delivery_id, o.payload, o.state, o.attempts, o.granted, o.checks, d.run_id, d.outbound
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

  /** Commits what became of a claimed part; undefined when something else has decided on it since. */
  "outbox.settle": (
    tx: Tx,
    args: { readonly claim: ClaimKey; readonly at: number; readonly settlement: Settlement },
  ): Settled | undefined => {
    const { claim, at, settlement } = args;
    const row = tx.get<SettledRow>(`${SETTLED} AND head = 2 AND attempts = ? AND checks = ?`, ...keyOf(claim));
    if (row === undefined) return undefined;
    apply(tx, row, { id: claim.id, at, settlement });
    promote(tx, row.lane);
    return settledOf(tx, row.delivery_id);
  },

  /**
   * A receipt that came after its call was given up. It settles the part unless that was sent again since; either way the
   * message is known to be ours. Undefined when it settles nothing.
   */
  "outbox.late": (
    tx: Tx,
    args: { readonly claim: ClaimKey; readonly at: number; readonly receipt: Receipt },
  ): Settled | undefined => {
    const { claim, at, receipt } = args;
    const row = tx.get<SettledRow & { readonly state: string; readonly attempts: number }>(SETTLED, claim.id);
    if (row === undefined) return undefined;
    if (row.state === "sent" || row.attempts !== claim.attempt) {
      noteSent(tx, row, receipt);
      return undefined;
    }
    apply(tx, row, { id: claim.id, at, settlement: { state: "sent", receipt } });
    promoteIdle(tx, row.lane);
    return settledOf(tx, row.delivery_id);
  },

  /** The clock was set back by `byMs`: what waits goes on waiting as long as was meant. Returns how many parts do. */
  "outbox.shift": (tx: Tx, args: { readonly byMs: number }): number =>
    tx.run("UPDATE outbox SET next_at = MAX(0, next_at - ?) WHERE next_at IS NOT NULL", args.byMs),

  /**
   * After a start: nobody knows what became of a part that was being sent. Returns how many there were. No part waits beyond
   * `latest`, or was queued in the future, unless the clock was set back meanwhile; such a part waits no longer.
   */
  "outbox.recover": (tx: Tx, args: { readonly now: number; readonly latest: number }): number => {
    tx.run(
      "UPDATE outbox SET next_at = ? WHERE next_at IS NOT NULL AND (next_at > ? OR (state = 'queued' AND next_at > ?))",
      args.now,
      args.latest,
      args.now,
    );
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

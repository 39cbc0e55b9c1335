import type { Outbound, Part, Peer, Receipt } from "openclaw-host-sdk";
import type { DeliveryOutcome } from "./ledger.ts";
import { deliveryOutcome } from "./ledger.ts";
import { type DraftStage, settleDraft } from "./draft-rows.ts";
import { type OutboxIntent, insertIntents } from "./outbox-intents.ts";
import { decodePart } from "./outbox-part.ts";
import { type LaneRow, noteSent, promote, promoteIdle } from "./outbox-rows.ts";
import type { Tx } from "../tx.ts";

export type { OutboxIntent } from "./outbox-intents.ts";

/** The draft that a part is. */
export interface PartDraft {
  readonly stage: DraftStage;
  /** Of the platform's messages; empty while they are not known. */
  readonly ids: readonly string[];
  /** True where finishing it twice changes nothing. */
  readonly repeatable: boolean;
}

/** A part to act on: send it, make its draft the answer, delete its draft, or ask the platform what became of it. */
export interface OutboxClaim {
  readonly id: number;
  readonly task: "send" | "finish" | "abort" | "reconcile";
  readonly draft?: PartDraft;
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
      /** True when its draft is of no use any more: the next attempt sends it as a message of its own. */
      readonly withoutDraft?: boolean;
    }
  /** With `nextAt` it is asked about again; without, it is parked. */
  | { readonly state: "unknown"; readonly reason: string; readonly nextAt?: number }
  | { readonly state: "dead"; readonly reason: string }
  /** A draft that is not there, or not any more: there is no message to tell of. */
  | { readonly state: "withdrawn" };

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
  readonly stage: DraftStage | null;
  readonly ids: string | null;
  readonly repeatable: number | null;
}

function taskOf({ state, stage }: ClaimRow): OutboxClaim["task"] {
  if (state === "unknown") return "reconcile";
  return stage === "finish" || stage === "abort" ? stage : "send";
}

function draftOf({ stage, ids, repeatable }: ClaimRow): Pick<OutboxClaim, "draft"> {
  if (stage === null) return {};
  return { draft: { stage, ids: ids === null ? [] : (JSON.parse(ids) as string[]), repeatable: repeatable === 1 } };
}

function take(tx: Tx, row: ClaimRow, now: number): OutboxClaim {
  const reconciles = row.state === "unknown";
  const counter = reconciles ? "checks = checks + 1" : "state = 'sending', attempts = attempts + 1";
  tx.run(`UPDATE outbox SET head = 2, ${counter}, changed_at = ? WHERE id = ?`, now, row.id);
  const attempt = row.attempts + (reconciles ? 0 : 1);
  const outbound = JSON.parse(row.outbound) as Outbound;
  return {
    id: row.id,
    task: taskOf(row),
    ...draftOf(row),
    deliveryId: row.delivery_id,
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    outbound,
    part: decodePart(row.payload, outbound),
    attempt,
    tries: attempt - row.granted,
    checks: row.checks + (reconciles ? 1 : 0),
  };
}

/** A message with a hole in it is worse than a short one: later parts of a refused part are not sent. */
function buryRest(tx: Tx, row: LaneRow, at: number): void {
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
    case "withdrawn":
      return null;
    case "retry":
      return settlement.nextAt;
    case "unknown":
      return settlement.nextAt ?? null;
  }
}

function apply(tx: Tx, row: LaneRow, args: { id: number; at: number; settlement: Settlement }): void {
  const { id, at, settlement } = args;
  if (settleDraft(tx, id, { settlement, at }) || settlement.state === "withdrawn") return;
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

function settledOf(tx: Tx, deliveryId: string): Settled {
  const outcome = deliveryOutcome(tx, deliveryId);
  return outcome !== undefined && outcome.final ? { deliveryId, outcome } : { deliveryId };
}

const SETTLED = "SELECT delivery_id, part, parts, channel, account, lane, state, attempts FROM outbox WHERE id = ?";

const keyOf = ({ id, attempt, checks }: ClaimKey) => [id, attempt, checks] as const;

const CLAIMED = `SELECT o.id, o.delivery_id, o.payload, o.state, o.attempts, o.granted, o.checks, d.run_id, d.outbound,
    f.stage, f.ids, f.repeatable
  FROM outbox o JOIN deliveries d ON d.id = o.delivery_id LEFT JOIN drafts f ON f.outbox_id = o.id`;

const DUE = `${CLAIMED} WHERE o.head = 1 AND o.channel = ? AND o.account = ? AND o.next_at <= ? ORDER BY o.next_at, o.id LIMIT ?`;

/** Commits `sending` for one part that is next in its lane. For use inside the commands of other families. */
export function claimPart(tx: Tx, id: number, now: number): OutboxClaim | undefined {
  const row = tx.get<ClaimRow>(`${CLAIMED} WHERE o.id = ? AND o.head = 1`, id);
  return row === undefined ? undefined : take(tx, row, now);
}

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
    const row = tx.get<LaneRow>(`${SETTLED} AND head = 2 AND attempts = ? AND checks = ?`, ...keyOf(claim));
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
    const row = tx.get<LaneRow & { readonly state: string; readonly attempts: number }>(SETTLED, claim.id);
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

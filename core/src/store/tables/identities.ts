import { type AccountName, markInbox } from "./inbox-rows.ts";
import { promoteIdle } from "./outbox-rows.ts";
import type { Tx } from "../tx.ts";

/** An account whose label belongs to another identity now. */
export interface Replaced {
  /** Lease of the identity it had. */
  readonly before: string;
  /** Messages to it that are not answered, and now are not without their owner. */
  readonly messages: number;
  /** Parts in its name that are not sent, and now are not without their owner. */
  readonly parts: number;
}

/**
 * Notes which identity an account has now. When it was another before, nothing of that one goes on in the new one's name: who
 * wrote to one bot must not be answered by another, and message ids of the one mean other messages to the other. What was not
 * answered is parked, what was not sent is dead, both with the reason; the owner may still queue a delivery again.
 */
export function identify(
  tx: Tx,
  { channel, account, lease, at }: AccountName & { readonly lease: string; readonly at: number },
): Replaced | undefined {
  const known = tx.get<{ lease: string }>(
    "SELECT lease FROM channel_identities WHERE channel = ? AND account = ?",
    channel,
    account,
  );
  if (known?.lease === lease) return undefined;
  tx.run(
    `INSERT INTO channel_identities (channel, account, lease, changed_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (channel, account) DO UPDATE SET lease = excluded.lease, changed_at = excluded.changed_at`,
    channel,
    account,
    lease,
    at,
  );
  if (known === undefined) return undefined;
  const before = known.lease;
  const rows = tx.all<{ id: number }>(
    "SELECT id FROM inbox WHERE channel = ? AND lease = ? AND account = ? AND state = 'recorded' AND state IN ('recorded', 'running')",
    channel,
    before,
    account,
  );
  const messages = rows.map(({ id }) => id);
  markInbox(tx, messages, { state: "parked", reason: `it was written to ${before}; the account is ${lease} now`, at });
  tx.run(
    `DELETE FROM drafts WHERE stage = 'finish'
     AND outbox_id IN (SELECT id FROM outbox WHERE channel = ? AND account = ? AND state IN ('queued', 'retry') AND next_at IS NOT NULL)`,
    channel,
    account,
  );
  const parts = tx.run(
    `UPDATE outbox SET state = 'dead', reason = ?, head = 0, next_at = NULL, changed_at = ?
     WHERE channel = ? AND account = ? AND state IN ('queued', 'retry', 'unknown') AND next_at IS NOT NULL`,
    `it was to be sent as ${before}; the account is ${lease} now`,
    at,
    channel,
    account,
  );
  tx.run("DELETE FROM sent_messages WHERE channel = ? AND account = ?", channel, account);
  return { before, messages: messages.length, parts };
}

/** A message of the old identity's cannot be finished by the new one; sent again, the part is a message of its own. */
const forgetDraft = (tx: Tx, outboxId: number): number =>
  tx.run("DELETE FROM drafts WHERE outbox_id = ? AND stage = 'finish'", outboxId);

interface Swapped extends AccountName {
  readonly before: string;
  readonly lease: string;
}

function swapOf(tx: Tx, [first]: readonly number[]): Swapped | undefined {
  if (first === undefined) return undefined;
  return tx.get<Swapped>(
    `SELECT i.channel, i.account, i.lease AS before, c.lease FROM inbox i
     JOIN channel_identities c ON c.channel = i.channel AND c.account = i.account WHERE i.id = ? AND c.lease <> i.lease`,
    first,
  );
}

/** True when these messages were written to another identity than their account has now. */
export const isForeign = (tx: Tx, inbox: readonly number[]): boolean => swapOf(tx, inbox) !== undefined;

/**
 * An answer to a message that was in hand when the identity of its account changed is dead, like whatever else was to be sent in the
 * old one's name. For use inside the commands of other families, after the answer was queued; `inbox` are the rows that it answers.
 */
export function withholdForeign(tx: Tx, inbox: readonly number[], at: number): void {
  const swapped = swapOf(tx, inbox);
  const [first] = inbox;
  if (swapped === undefined || first === undefined) return;
  const { channel, account, before, lease } = swapped;
  const parts = tx.all<{ id: number; lane: string }>(
    `SELECT o.id, o.lane FROM delivery_origins d JOIN outbox o ON o.delivery_id = d.delivery_id
     WHERE d.inbox_id = ? AND o.channel = ? AND o.account = ? AND o.state IN ('queued', 'retry') AND o.next_at IS NOT NULL`,
    first,
    channel,
    account,
  );
  for (const { id } of parts) {
    forgetDraft(tx, id);
    tx.run(
      "UPDATE outbox SET state = 'dead', reason = ?, head = 0, next_at = NULL, changed_at = ? WHERE id = ?",
      `it was to be sent as ${before}; the account is ${lease} now`,
      at,
      id,
    );
  }
  for (const lane of new Set(parts.map((part) => part.lane))) promoteIdle(tx, lane);
}

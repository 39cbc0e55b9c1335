import { type AccountName, markInbox } from "./inbox-rows.ts";
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

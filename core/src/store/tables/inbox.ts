import type { Inbound } from "openclaw-host-sdk";
import {
  type AccountName,
  type InboxClaim,
  type InboxFinal,
  OPEN,
  type ReceiveArgs,
  type RefusalAnswer,
  answersOurs,
  earliestHead,
  insertEntry,
  markInbox,
  returnRows,
  rowsOf,
  takeRows,
} from "./inbox-rows.ts";
import { insertIntents } from "./outbox-intents.ts";
import { noteTold } from "./pairing.ts";
import type { Tx } from "../tx.ts";

export type { AccountName, InboxClaim, InboxEntry, InboxFinal, RefusalAnswer } from "./inbox-rows.ts";

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
   * Takes the next row whose lane has nothing running. A row of which `maxAttempts` attempts did not end is parked instead, so
   * that a message which kills the process cannot do it for ever. Without a claim, `nextDueAt` says when to ask again.
   */
  "inbox.claim": (
    tx: Tx,
    args: { readonly now: number; readonly maxAttempts: number; readonly accounts?: readonly AccountName[] },
  ): { readonly claim?: InboxClaim; readonly nextDueAt?: number } => {
    for (;;) {
      const head = earliestHead(tx, args.accounts);
      if (head === undefined) return {};
      if (head.dueAt > args.now) return { nextDueAt: head.dueAt };
      const rows = rowsOf(tx, head);
      const ids = rows.map((row) => row.id);
      const { channel, account, lane, attempts } = head;
      if (attempts >= args.maxAttempts) {
        const reason = `gave up after ${attempts} attempts that did not end`;
        markInbox(tx, ids, { state: "parked", reason, at: args.now });
        continue;
      }
      takeRows(tx, ids, args.now);
      const events = rows.map((row) => JSON.parse(row.event) as Inbound);
      const claim = { ids, channel, account, lane, events, attempts };
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
    const { channel, account, sender, intents, tellsCode = false } = args.answer;
    if (tellsCode) {
      noteTold(tx, args.answer);
      insertIntents(tx, intents, args.ids);
      return { answered: true };
    }
    const first = tx.run(
      "INSERT INTO access_answers (channel, account, sender, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      channel,
      account,
      sender,
      args.at,
    );
    if (first > 0) insertIntents(tx, intents, args.ids);
    return { answered: first > 0 };
  },

  /** Gives claimed rows back. */
  "inbox.retry": (
    tx: Tx,
    args: {
      readonly ids: readonly number[];
      readonly reason: string;
      readonly at: number;
      readonly dueAt: number;
      readonly counts: boolean;
    },
  ): void => returnRows(tx, args.ids, args),

  /**
   * After a start: what was in hand when the last process died is recorded again, and that attempt counts; an orderly stop
   * has given its rows back before. Returns how many rows.
   */
  "inbox.recover": (tx: Tx, args: { readonly now: number }): number => {
    const running = tx.run(
      "UPDATE inbox SET state = 'recorded', attempts = attempts + 1, changed_at = ? WHERE state = 'running' AND state IN ('recorded', 'running')",
      args.now,
    );
    tx.run(
      `UPDATE inbox SET head = (id = (SELECT MIN(o.id) FROM inbox o WHERE o.lane = inbox.lane AND o.state = 'recorded' AND o.state IN ('recorded', 'running')))
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

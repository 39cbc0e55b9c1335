import { type ClaimArgs, type Claimed, claimRows } from "./inbox-claim.ts";
import {
  type AccountName,
  type InboxFinal,
  type ReceiveArgs,
  type RefusalAnswer,
  insertEntry,
  markInbox,
  recoverRows,
  returnRows,
} from "./inbox-rows.ts";
import { type Replaced, identify, withholdForeign } from "./identities.ts";
import { insertIntents } from "./outbox-intents.ts";
import { noteTold } from "./pairing.ts";
import type { Tx } from "../tx.ts";

export type { AccountName, ClaimedRows, InboxEntry, InboxFinal, RefusalAnswer } from "./inbox-rows.ts";

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

  /** Takes rows whose lanes have nothing running: the earliest, or as many as are asked for. */
  "inbox.claim": (tx: Tx, args: ClaimArgs): Claimed => claimRows(tx, args),

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
      withholdForeign(tx, args.ids, args.at);
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
    withholdForeign(tx, args.ids, args.at);
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

  /** After a start; an orderly stop has given its rows back before. Returns how many rows were in hand. */
  "inbox.recover": (tx: Tx, args: { readonly now: number }): number => recoverRows(tx, args.now),

  "inbox.identify": (
    tx: Tx,
    args: AccountName & { readonly lease: string; readonly at: number },
  ): Replaced | undefined => identify(tx, args),
};

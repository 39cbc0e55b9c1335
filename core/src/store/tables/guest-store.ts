import type { Tx } from "../tx.ts";

/** Whose data it is. One extension never sees another's; within one, accounts are apart. */
export interface GuestScope {
  readonly extension: string;
  readonly scope: string;
}

/** One change; `value` null deletes. */
export interface GuestStoreOp {
  readonly key: string;
  readonly value: Uint8Array | null;
}

type Pair = readonly [key: string, value: Uint8Array];

interface StoredRow {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Sorts after every other character in UTF-8, the order in which SQLite compares text. */
const LAST_CHARACTER = "\u{10FFFF}";

const toPair = (row: StoredRow): Pair => [row.key, row.value];

export const guestStoreCommands = {
  "guestStore.get": (tx: Tx, args: GuestScope & { keys: readonly string[] }): Pair[] =>
    args.keys.flatMap((key) => {
      const row = tx.get<StoredRow>(
        "SELECT key, value FROM guest_store WHERE extension = ? AND scope = ? AND key = ?",
        args.extension,
        args.scope,
        key,
      );
      return row === undefined ? [] : [toPair(row)];
    }),

  "guestStore.list": (tx: Tx, args: GuestScope & { prefix: string; after?: string; limit: number }): Pair[] =>
    tx
      .all<StoredRow>(
        `SELECT key, value FROM guest_store
         WHERE extension = ? AND scope = ? AND key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?`,
        args.extension,
        args.scope,
        args.prefix,
        args.prefix + LAST_CHARACTER,
        args.after ?? "",
        args.limit,
      )
      .map(toPair),

  "guestStore.batch": (tx: Tx, args: GuestScope & { ops: readonly GuestStoreOp[] }): null => {
    for (const op of args.ops) {
      if (op.value === null) {
        tx.run(
          "DELETE FROM guest_store WHERE extension = ? AND scope = ? AND key = ?",
          args.extension,
          args.scope,
          op.key,
        );
      } else {
        tx.run(
          `INSERT INTO guest_store (extension, scope, key, value) VALUES (?, ?, ?, ?)
           ON CONFLICT (extension, scope, key) DO UPDATE SET value = excluded.value`,
          args.extension,
          args.scope,
          op.key,
          op.value,
        );
      }
    }
    return null;
  },
};

import type { Tx } from "../tx.ts";

export interface IdempotencyKey {
  readonly identity: string;
  readonly method: string;
  readonly key: string;
}

export interface ClaimArgs extends IdempotencyKey {
  /** Of the request's body; the same key with another body is a mistake of the client. */
  readonly digest: string;
  /** Epoch ms. */
  readonly at: number;
}

export type Claim =
  /** The key is now bound to this body. `repeated` when it already was and no outcome is known. */
  | { readonly state: "open"; readonly repeated: boolean }
  /** The outcome as it was stored. */
  | { readonly state: "settled"; readonly result: string }
  | { readonly state: "other-body" };

export const idempotencyCommands = {
  /** Binds a key to a body, or tells what the key is already bound to. */
  "idempotency.claim": (tx: Tx, args: ClaimArgs): Claim => {
    const { identity, method, key, digest, at } = args;
    const row = tx.get(
      "SELECT digest, result FROM idempotency WHERE identity = ? AND method = ? AND key = ?",
      identity,
      method,
      key,
    );
    if (row !== undefined) {
      if (row["digest"] !== digest) return { state: "other-body" };
      const result = row["result"];
      return typeof result === "string" ? { state: "settled", result } : { state: "open", repeated: true };
    }
    tx.run(
      "INSERT INTO idempotency (identity, method, key, digest, at) VALUES (?, ?, ?, ?, ?)",
      identity,
      method,
      key,
      digest,
      at,
    );
    return { state: "open", repeated: false };
  },

  /** Stores the outcome of a bound key; the first outcome stays. */
  "idempotency.settle": (
    tx: Tx,
    { identity, method, key, result }: IdempotencyKey & { readonly result: string },
  ): null => {
    tx.run(
      "UPDATE idempotency SET result = ? WHERE identity = ? AND method = ? AND key = ? AND result IS NULL",
      result,
      identity,
      method,
      key,
    );
    return null;
  },

  /**
   * Forgets keys older than `before`, and the oldest beyond `keep`. Returns how many. A key of the future, from before the clock
   * was set back, is as old as `now`: it must not outlive those that come after it. Times are epoch ms.
   */
  "idempotency.prune": (
    tx: Tx,
    { before, now, keep }: { readonly before: number; readonly now: number; readonly keep: number },
  ): number => {
    tx.run("UPDATE idempotency SET at = ? WHERE at > ?", now, now);
    return (
      tx.run("DELETE FROM idempotency WHERE at < ?", before) +
      tx.run("DELETE FROM idempotency WHERE at < (SELECT at FROM idempotency ORDER BY at DESC LIMIT 1 OFFSET ?)", keep)
    );
  },
};

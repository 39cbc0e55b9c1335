import type { Tx } from "../tx.ts";

export interface CollectArgs {
  /** Blobs that nothing has shown since then go, epoch ms. */
  readonly unusedBefore: number;
  /** Blobs that were last put or shown before go as well, unless a row that is still open needs them. */
  readonly oldBefore?: number;
  readonly limit: number;
}

interface Blob {
  readonly sha256: string;
  readonly bytes: number;
}

const UNUSED = "NOT EXISTS (SELECT 1 FROM media_uses u WHERE u.sha256 = b.sha256)";

const NOT_NEEDED = `NOT EXISTS (SELECT 1 FROM media_uses u JOIN inbox i ON i.id = u.row
    WHERE u.sha256 = b.sha256 AND u.holder = 'inbox' AND i.state IN ('recorded', 'running'))
  AND NOT EXISTS (SELECT 1 FROM media_uses u JOIN outbox o ON o.id = u.row
    WHERE u.sha256 = b.sha256 AND u.holder = 'outbox' AND o.state NOT IN ('sent', 'dead'))`;

function remove(tx: Tx, { sha256 }: Blob): void {
  tx.run("DELETE FROM media_uses WHERE sha256 = ?", sha256);
  tx.run("DELETE FROM media_handles WHERE sha256 = ?", sha256);
  tx.run("DELETE FROM media_blobs WHERE sha256 = ?", sha256);
}

export const mediaUpkeepCommands = {
  /** Bytes of all blobs. */
  "media.size": (tx: Tx, _args: Record<string, never>): number =>
    tx.get<{ bytes: number | null }>("SELECT SUM(bytes) AS bytes FROM media_blobs")?.bytes ?? 0,

  /** Forgets blobs that nobody needs; the caller removes their files. */
  "media.collect": (tx: Tx, { unusedBefore, oldBefore, limit }: CollectArgs): readonly Blob[] => {
    const find = (where: string, before: number) =>
      tx.all<Blob & Record<string, never>>(
        `SELECT b.sha256, b.bytes FROM media_blobs b WHERE b.used_at < ? AND ${where} ORDER BY b.used_at LIMIT ?`,
        before,
        limit,
      );
    const blobs = find(UNUSED, unusedBefore);
    const old = oldBefore === undefined ? [] : find(NOT_NEEDED, oldBefore);
    const known = new Set(blobs.map(({ sha256 }) => sha256));
    const all = [...blobs, ...old.filter(({ sha256 }) => !known.has(sha256))];
    for (const blob of all) remove(tx, blob);
    return all;
  },

  /** Those of the names that are no blob. */
  "media.unknown": (tx: Tx, { names }: { readonly names: readonly string[] }): readonly string[] =>
    names.filter((name) => tx.get("SELECT 1 FROM media_blobs WHERE sha256 = ?", name) === undefined),
};

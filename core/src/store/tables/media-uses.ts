import type { Tx } from "../tx.ts";

/** A row that shows media. */
export interface MediaHolder {
  readonly holder: "inbox" | "outbox" | "transcript";
  readonly row: number;
}

/** A media handle in the JSON of a row. Inside a text the quotes would be escaped, so that nobody can write one by hand. */
const REF = /"ref":"([^"\\]{1,128})"/gu;
const MARK = '"ref":"';

/** Notes which blobs a new row shows. `json` is what the row holds; `at` epoch ms. */
export function useMedia(tx: Tx, { holder, row }: MediaHolder, { json, at }: { json: string; at: number }): void {
  if (!json.includes(MARK)) return;
  for (const [, ref = ""] of json.matchAll(REF)) {
    const handle = tx.get<{ sha256: string }>("SELECT sha256 FROM media_handles WHERE ref = ?", ref);
    if (handle === undefined) continue;
    const { sha256 } = handle;
    tx.run("INSERT INTO media_uses (sha256, holder, row) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", sha256, holder, row);
    tx.run("UPDATE media_blobs SET used_at = MAX(used_at, ?) WHERE sha256 = ?", at, sha256);
  }
}

/** As `useMedia` for the row that was inserted last. */
export function useMediaOfLast(
  tx: Tx,
  holder: MediaHolder["holder"],
  content: { readonly json: string; readonly at: number },
): void {
  if (!content.json.includes(MARK)) return;
  const last = tx.get<{ id: number }>("SELECT last_insert_rowid() AS id");
  if (last !== undefined) useMedia(tx, { holder, row: last.id }, content);
}

/** The row is about to go. */
export function forgetMedia(tx: Tx, { holder, row }: MediaHolder, at: number): void {
  tx.run(
    `UPDATE media_blobs SET used_at = MAX(used_at, ?)
     WHERE sha256 IN (SELECT sha256 FROM media_uses WHERE holder = ? AND row = ?)`,
    at,
    holder,
    row,
  );
  tx.run("DELETE FROM media_uses WHERE holder = ? AND row = ?", holder, row);
}

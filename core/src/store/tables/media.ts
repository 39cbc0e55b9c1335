import type { MediaKind } from "openclaw-host-sdk";
import type { Row, Tx } from "../tx.ts";

/** One owner's right to one blob. An absent name is "". */
export interface MediaHandle {
  readonly ref: string;
  readonly owner: string;
  readonly sha256: string;
  readonly kind: MediaKind;
  readonly mime: string;
  readonly name: string;
  readonly bytes: number;
}

function parse(row: Row): MediaHandle {
  return {
    ref: String(row["ref"]),
    owner: String(row["owner"]),
    sha256: String(row["sha256"]),
    kind: row["kind"] as MediaKind,
    mime: String(row["mime"]),
    name: String(row["name"]),
    bytes: Number(row["bytes"]),
  };
}

const SELECT = `SELECT h.ref, h.owner, h.sha256, h.kind, h.mime, h.name, b.bytes
  FROM media_handles h JOIN media_blobs b ON b.sha256 = h.sha256`;

function find(tx: Tx, ref: string): MediaHandle | null {
  const row = tx.get(`${SELECT} WHERE h.ref = ?`, ref);
  return row === undefined ? null : parse(row);
}

/** The owner's handle on this content under this description: the one it has, or the new one. */
function keep(tx: Tx, handle: MediaHandle, at: number): MediaHandle {
  tx.run(
    `INSERT INTO media_handles (ref, owner, sha256, kind, mime, name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (owner, sha256, kind, mime, name) DO NOTHING`,
    handle.ref,
    handle.owner,
    handle.sha256,
    handle.kind,
    handle.mime,
    handle.name,
    at,
  );
  tx.run("UPDATE media_blobs SET used_at = MAX(used_at, ?) WHERE sha256 = ?", at, handle.sha256);
  const row = tx.get(
    `${SELECT} WHERE h.owner = ? AND h.sha256 = ? AND h.kind = ? AND h.mime = ? AND h.name = ?`,
    handle.owner,
    handle.sha256,
    handle.kind,
    handle.mime,
    handle.name,
  );
  return row === undefined ? handle : parse(row);
}

export const mediaCommands = {
  /** `isNew` when no handle had this content yet. */
  "media.put": (tx: Tx, args: { handle: MediaHandle; at: number }): { kept: MediaHandle; isNew: boolean } => {
    const isNew = tx.get("SELECT 1 FROM media_blobs WHERE sha256 = ?", args.handle.sha256) === undefined;
    tx.run(
      `INSERT INTO media_blobs (sha256, bytes, created_at, used_at) VALUES (?1, ?2, ?3, ?3)
       ON CONFLICT (sha256) DO UPDATE SET used_at = MAX(used_at, excluded.used_at)`,
      args.handle.sha256,
      args.handle.bytes,
      args.at,
    );
    return { kept: keep(tx, args.handle, args.at), isNew };
  },

  "media.find": (tx: Tx, args: { ref: string }): MediaHandle | null => find(tx, args.ref),

  /** A handle on the same blob for another owner; null when `ref` is unknown. */
  "media.grant": (tx: Tx, args: { ref: string; to: string; newRef: string; at: number }): MediaHandle | null => {
    const handle = find(tx, args.ref);
    if (handle === null || handle.owner === args.to) return handle;
    return keep(tx, { ...handle, ref: args.newRef, owner: args.to }, args.at);
  },
};

import type { SessionKey } from "../../base/brand.ts";
import { kindOf, parseEntry, type SessionEntry } from "./session-entry.ts";
import type { Tx } from "../tx.ts";

/** The session of a key, or undefined. */
export function readSession(tx: Tx, key: string): SessionEntry | undefined {
  const row = tx.get<{ entry: string }>("SELECT entry FROM sessions WHERE key = ?", key);
  return row === undefined ? undefined : parseEntry(row.entry);
}

/** A number above every revision that was given out by this, and above `than`. */
export function revisionAbove(tx: Tx, than: number): number {
  const row = tx.get<{ value: number }>("UPDATE session_revision SET value = MAX(value, ?) + 1 RETURNING value", than);
  if (row === undefined) throw new Error("the session_revision row is missing: restore host.db from a backup");
  return row.value;
}

/**
 * Writes the entry under its next revision and returns it as written. One that is new begins above every deletion, so that it is
 * newer than an earlier session of its key; after that each session counts by itself, and busy ones share no row.
 */
export function writeSession(tx: Tx, entry: SessionEntry): SessionEntry {
  const written = { ...entry, rev: entry.rev === 0 ? revisionAbove(tx, 0) : entry.rev + 1 };
  const json = JSON.stringify(written);
  const { key, sessionId, updatedAt } = written;
  // The column of the id has an index, which is left alone unless a reset has changed it.
  const kept = tx.run(
    "UPDATE sessions SET entry = ?, updated_at = ? WHERE key = ? AND session_id = ?",
    json,
    updatedAt,
    key,
    sessionId,
  );
  if (kept > 0) return written;
  tx.run(
    `INSERT INTO sessions (key, session_id, entry, updated_at) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (key) DO UPDATE SET session_id = ?2, entry = ?3, updated_at = ?4`,
    key,
    sessionId,
    json,
    updatedAt,
  );
  return written;
}

/** A session that has no messages yet; not written. */
export function newSession(key: SessionKey, sessionId: string, at: number): SessionEntry {
  return { key, sessionId, rev: 0, kind: kindOf(key), createdAt: at, updatedAt: at };
}

/** Notes a session id as archived; its transcript rows stay. */
export function archiveSession(
  tx: Tx,
  entry: SessionEntry,
  archive: { reason: "reset" | "deleted"; at: number; name: string | null },
): void {
  tx.run(
    "INSERT OR REPLACE INTO archived_sessions (session_id, key, reason, at, name, entry) VALUES (?, ?, ?, ?, ?, ?)",
    entry.sessionId,
    entry.key,
    archive.reason,
    archive.at,
    archive.name,
    JSON.stringify(entry),
  );
}

/** Name of an archived transcript: `<id>.jsonl.<reason>.<ISO time with dashes>` (wire protocol section 5.4). */
export function archiveName(sessionId: string, reason: "reset" | "deleted", at: number): string {
  return `${sessionId}.jsonl.${reason}.${new Date(at).toISOString().replaceAll(":", "-")}`;
}

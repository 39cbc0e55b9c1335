import { randomUUID } from "node:crypto";
import type { TranscriptMessage } from "openclaw-host-schemas";
import type { SessionKey } from "../../base/brand.ts";
import {
  applyPatch,
  freshEntry,
  parseEntry,
  type SessionEntry,
  type SessionFacts,
  type SessionPatch,
} from "./session-entry.ts";
import { useMediaOfLast } from "./media-uses.ts";
import { archiveName, archiveSession, newSession, readSession, revisionAbove, writeSession } from "./session-rows.ts";
import { previewRows, type PreviewItem, storedRows, viewRows } from "./transcript-rows.ts";
import { nextSeq } from "./transcript-seq.ts";
import { textStart } from "./transcript-view.ts";
import type { Tx } from "../tx.ts";

export interface AppendArgs {
  readonly key: SessionKey;
  /** Id for the session when this append creates it; made here when absent. An existing session keeps its own. */
  readonly sessionId?: string;
  readonly messages: readonly { readonly id: string; readonly message: TranscriptMessage }[];
  /** Epoch ms. */
  readonly at: number;
  /** Facts to write onto the entry in the same step. */
  readonly facts?: SessionFacts;
}

/**
 * Appends to the transcript of a key, creating the session when there is none. For use inside any command: the caller's
 * transaction decides. The returned entry goes to `Sessions.noteCommitted` after the commit.
 */
export function appendMessages(tx: Tx, args: AppendArgs): SessionEntry {
  const found = readSession(tx, args.key) ?? newSession(args.key, args.sessionId ?? randomUUID(), args.at);
  let entry: SessionEntry = { ...found, ...args.facts, updatedAt: Math.max(found.updatedAt, args.at) };
  for (const { id, message } of args.messages) {
    const json = JSON.stringify(message);
    tx.run(
      "INSERT INTO transcripts (seq, message_id, at, message) VALUES (?, ?, ?, ?)",
      nextSeq(tx, entry.sessionId),
      id,
      args.at,
      json,
    );
    useMediaOfLast(tx, "transcript", { json, at: args.at });
    entry = noteMessage(entry, message);
  }
  return writeSession(tx, entry);
}

/** Characters of a derived title and of the newest message kept on the entry, so that listing sessions reads no transcript. */
const TITLE_CHARS = 60;
const LAST_MESSAGE_CHARS = 240;

function noteMessage(entry: SessionEntry, message: TranscriptMessage): SessionEntry {
  if (message.role !== "user" && message.role !== "assistant") return entry;
  const lastMessage = textStart(message, LAST_MESSAGE_CHARS);
  if (lastMessage === "") return entry;
  if (message.role !== "user" || entry.title !== undefined) return { ...entry, lastMessage };
  return { ...entry, lastMessage, title: textStart(message, TITLE_CHARS) };
}

export interface PatchArgs {
  readonly key: SessionKey;
  /** Id for the session when the patch creates it. */
  readonly sessionId: string;
  readonly at: number;
  readonly patch: SessionPatch;
}

export type PatchOutcome =
  | { readonly state: "patched"; readonly entry: SessionEntry }
  | { readonly state: "label-taken"; readonly label: string };

function patchSession(tx: Tx, args: PatchArgs): PatchOutcome {
  const { label } = args.patch;
  if (typeof label === "string") {
    const holder = tx.get("SELECT 1 FROM sessions WHERE entry ->> '$.label' = ? AND key <> ?", label, args.key);
    if (holder !== undefined) return { state: "label-taken", label };
  }
  const found = readSession(tx, args.key) ?? newSession(args.key, args.sessionId, args.at);
  const patched = applyPatch({ ...found, updatedAt: Math.max(found.updatedAt, args.at) }, args.patch);
  return { state: "patched", entry: writeSession(tx, patched) };
}

/** Gives the key a new session id; the old transcript, if there was one, is archived. */
function resetSession(tx: Tx, args: { key: SessionKey; sessionId: string; at: number }): SessionEntry {
  const old = readSession(tx, args.key);
  if (old === undefined) return writeSession(tx, newSession(args.key, args.sessionId, args.at));
  archiveSession(tx, old, { reason: "reset", at: args.at, name: archiveName(old.sessionId, "reset", args.at) });
  return writeSession(tx, freshEntry(old, args.sessionId, args.at));
}

/** `rev` is the revision of the deletion: copies of the entry that are older must not come back. */
export interface Deletion {
  readonly rev: number;
  readonly archived: readonly string[];
}

function deleteSession(tx: Tx, args: { key: SessionKey; at: number; archive: boolean }): Deletion | undefined {
  const entry = readSession(tx, args.key);
  if (entry === undefined) return undefined;
  const name = args.archive ? archiveName(entry.sessionId, "deleted", args.at) : null;
  archiveSession(tx, entry, { reason: "deleted", at: args.at, name });
  tx.run("DELETE FROM sessions WHERE key = ?", args.key);
  return { rev: revisionAbove(tx, entry.rev), archived: name === null ? [] : [name] };
}

/** Sessions and their transcripts. Messages come back as JSON texts, which cross threads more cheaply than objects. */
export const sessionsCommands = {
  /** A page in order of key: the sessions after `after`, which is empty for the first page. */
  "sessions.load": (tx: Tx, args: { after: string; limit: number }): SessionEntry[] =>
    tx
      .all<{ entry: string }>("SELECT entry FROM sessions WHERE key > ? ORDER BY key LIMIT ?", args.after, args.limit)
      .map((row) => parseEntry(row.entry)),

  "sessions.ensure": (tx: Tx, args: { key: SessionKey; sessionId: string; at: number }): SessionEntry =>
    readSession(tx, args.key) ?? writeSession(tx, newSession(args.key, args.sessionId, args.at)),

  "sessions.append": (tx: Tx, args: AppendArgs): SessionEntry => appendMessages(tx, args),

  /** Appends only when the session exists. */
  "sessions.inject": (tx: Tx, args: AppendArgs): SessionEntry | undefined =>
    readSession(tx, args.key) === undefined ? undefined : appendMessages(tx, args),

  "sessions.patch": (tx: Tx, args: PatchArgs): PatchOutcome => patchSession(tx, args),

  "sessions.reset": (tx: Tx, args: { key: SessionKey; sessionId: string; at: number }): SessionEntry =>
    resetSession(tx, args),

  "sessions.delete": (tx: Tx, args: { key: SessionKey; at: number; archive: boolean }): Deletion | undefined =>
    deleteSession(tx, args),

  /** The newest messages as the wire shows them, oldest first. */
  "sessions.history": (tx: Tx, args: { sessionId: string; limit: number }): string[] => viewRows(tx, args),

  /** The newest messages as they were stored, oldest first, within a budget of UTF-8 bytes. */
  "sessions.transcript": (tx: Tx, args: { sessionId: string; limit: number; maxBytes: number }): string[] =>
    storedRows(tx, args),

  /** Role and text start of the newest messages of several sessions, in the order asked. */
  "sessions.recent": (
    tx: Tx,
    args: { sessionIds: readonly string[]; limit: number; maxChars: number },
  ): PreviewItem[][] => args.sessionIds.map((sessionId) => previewRows(tx, { ...args, sessionId })),
};

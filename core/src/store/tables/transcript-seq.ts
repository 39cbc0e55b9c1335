import type { Tx } from "../tx.ts";

/**
 * A row of `transcripts` has the number of its transcript in the upper bits of its key and its place therein in the lower 26, so
 * that the messages of a session lie side by side: an agent reads its history from a few pages, however many sessions there are.
 * Keys stay below 2^53, which JavaScript counts exactly: 67 million messages of each of 134 million transcripts.
 */
const PLACES: number = 2 ** 26;

/** Keys of one transcript: above `floor`, up to `last`. */
export interface TranscriptRange {
  readonly floor: number;
  readonly last: number;
}

export const rangeOf = (no: number): TranscriptRange => ({ floor: no * PLACES, last: no * PLACES + PLACES - 1 });

/** The number of the transcript that a row belongs to. */
export const transcriptAt = (seq: number): number => Math.floor(seq / PLACES);

/** Undefined while nothing was said in the session. */
export function transcriptRange(tx: Tx, sessionId: string): TranscriptRange | undefined {
  const known = tx.get<{ no: number }>("SELECT no FROM transcript_ids WHERE session_id = ?", sessionId);
  return known === undefined ? undefined : rangeOf(known.no);
}

/** The key of the session's next message. Throws when its transcript is full. */
export function nextSeq(tx: Tx, sessionId: string): number {
  const { floor, last } = transcriptRange(tx, sessionId) ?? newTranscript(tx, sessionId);
  const newest = tx.get<{ seq: number }>(
    "SELECT seq FROM transcripts WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
    floor,
    last,
  );
  const next = (newest?.seq ?? floor) + 1;
  if (next > last) throw new Error(`the session has ${PLACES - 1} messages and takes no more: reset it, as with /new`);
  return next;
}

function newTranscript(tx: Tx, sessionId: string): TranscriptRange {
  const made = tx.get<{ no: number }>("INSERT INTO transcript_ids (session_id) VALUES (?) RETURNING no", sessionId);
  if (made === undefined) throw new Error("a transcript could not be begun: restore host.db from a backup");
  return rangeOf(made.no);
}

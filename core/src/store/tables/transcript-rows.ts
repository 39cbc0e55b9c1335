import { transcriptRange } from "./transcript-seq.ts";
import { MAX_HISTORY_BYTES, parseStored, textStart, viewMessage } from "./transcript-view.ts";
import type { Tx } from "../tx.ts";

export interface PreviewItem {
  readonly role: "user" | "assistant" | "tool" | "system" | "other";
  readonly text: string;
}

const NEWEST = "SELECT message FROM transcripts WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?";

/** The newest messages, newest first, one at a time, so that a few huge ones never meet in memory. */
function* newest(tx: Tx, { sessionId, limit }: Page): Generator<string, void> {
  const range = transcriptRange(tx, sessionId);
  if (range === undefined) return;
  for (const { message } of tx.iterate<{ message: string }>(NEWEST, range.floor, range.last, limit)) yield message;
}

interface Page {
  readonly sessionId: string;
  /** Most messages. */
  readonly limit: number;
}

/** The newest messages that fit in `maxBytes`, oldest first. `show` makes the text that is counted and returned. */
function collect(tx: Tx, page: Page & { maxBytes: number }, show: (json: string) => string): string[] {
  const texts: string[] = [];
  // Brackets and commas of the JSON array count too.
  let bytes = 1;
  for (const json of newest(tx, page)) {
    const text = show(json);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > page.maxBytes) break;
    texts.push(text);
  }
  return texts.reverse();
}

/** `octet_length` reads no text: https://www.sqlite.org/lang_corefunc.html#octet_length */
const BYTES = `SELECT SUM(bytes) AS bytes FROM
  (SELECT octet_length(message) AS bytes FROM transcripts WHERE seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?)`;

/** The newest `limit` messages as they were stored, oldest first; undefined, and not read, when they take more than `maxBytes`. */
export function wholePage(tx: Tx, page: Page & { maxBytes: number }): string[] | undefined {
  const range = transcriptRange(tx, page.sessionId);
  if (range === undefined) return [];
  const size = tx.get<{ bytes: number | null }>(BYTES, range.floor, range.last, page.limit);
  if ((size?.bytes ?? 0) > page.maxBytes) return undefined;
  const rows = tx.all<{ message: string }>(NEWEST, range.floor, range.last, page.limit);
  return rows.map((row) => row.message).reverse();
}

/** The newest messages as `chat.history` shows them. */
export const viewRows = (tx: Tx, page: Page): string[] =>
  collect(tx, { ...page, maxBytes: MAX_HISTORY_BYTES }, viewMessage);

/** The newest messages as they were stored. */
export const storedRows = (tx: Tx, page: Page & { maxBytes: number }): string[] => collect(tx, page, (json) => json);

const PREVIEW_ROLES: Readonly<Record<string, PreviewItem["role"]>> = {
  user: "user",
  assistant: "assistant",
  toolResult: "tool",
  tool: "tool",
  system: "system",
};

/** Role and text start of the newest messages that have text, oldest first. */
export function previewRows(tx: Tx, page: Page & { maxChars: number }): PreviewItem[] {
  const items: PreviewItem[] = [];
  for (const json of newest(tx, page)) {
    const message = parseStored(json);
    const text = textStart(message, page.maxChars);
    if (text !== "") items.push({ role: PREVIEW_ROLES[message.role] ?? "other", text });
  }
  return items.reverse();
}

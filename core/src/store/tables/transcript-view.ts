/** Longest text shown in one block, in UTF-16 units. Source of all three limits: wire protocol section 5.3, chat.history. */
export const MAX_TEXT_CHARS = 12_000;
/** A message whose JSON is larger after trimming, in UTF-8 bytes, is replaced by a placeholder. */
export const MAX_MESSAGE_BYTES: number = 128 * 1024;
/** The whole list as JSON, in UTF-8 bytes; the oldest messages give way. */
export const MAX_HISTORY_BYTES: number = 6 * 1024 * 1024;

const TRUNCATED = "\n...(truncated)...";

/** A message as it was stored: at least a role; the rest is checked where it is read. */
interface StoredMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

type Block = Readonly<Record<string, unknown>>;

const isBlock = (value: unknown): value is Block =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const parseStored = (json: string): StoredMessage => JSON.parse(json) as StoredMessage;

/** The first `max` UTF-16 units, one less where that would cut a surrogate pair. */
function head(text: string, max: number): string {
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

const shorten = (text: string): string =>
  text.length <= MAX_TEXT_CHARS ? text : head(text, MAX_TEXT_CHARS) + TRUNCATED;

/** Image data stays in the store: clients get its decoded size instead. */
function withoutData(block: Block): Block {
  const { data, ...rest } = block;
  if (typeof data !== "string") return block;
  return { ...rest, omitted: true, bytes: Buffer.byteLength(data, "base64") };
}

function viewBlock(block: unknown): unknown {
  if (!isBlock(block)) return block;
  if (block["type"] === "image") return withoutData(block);
  const next: Record<string, unknown> = { ...block };
  for (const name of ["text", "thinking", "partialJson"]) {
    const value = next[name];
    if (typeof value === "string") next[name] = shorten(value);
  }
  if (next["type"] === "thinking") delete next["thinkingSignature"];
  return next;
}

function trimmed(message: StoredMessage): StoredMessage {
  const { details: _details, usage: _usage, cost: _cost, ...next }: Record<string, unknown> = message;
  const { content, text } = next;
  if (typeof content === "string") next["content"] = shorten(content);
  else if (Array.isArray(content)) next["content"] = content.map(viewBlock);
  if (typeof text === "string") next["text"] = shorten(text);
  return { ...next, role: message.role };
}

const placeholder = (message: StoredMessage): object => ({
  role: message.role,
  timestamp: message["timestamp"],
  content: [{ type: "text", text: "[chat.history omitted: message too large]" }],
  __openclaw: { truncated: true, reason: "oversized" },
});

/** A stored message as `chat.history` shows it, both sides as JSON. */
export function viewMessage(json: string): string {
  const message = parseStored(json);
  const shown = JSON.stringify(trimmed(message));
  return Buffer.byteLength(shown) <= MAX_MESSAGE_BYTES ? shown : JSON.stringify(placeholder(message));
}

/** All text of a message, blocks joined by line ends. */
export function textOf(message: { readonly content?: unknown }): string {
  const { content } = message;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.filter(isBlock).map((block) => (block["type"] === "text" ? block["text"] : undefined));
  return texts.filter((text) => typeof text === "string").join("\n");
}

/** At most `max` UTF-16 units of the text of a message; a cut shows as an ellipsis. */
export function textStart(message: { readonly content?: unknown }, max: number): string {
  const text = textOf(message).trim();
  return text.length <= max ? text : `${head(text, max - 1).trimEnd()}…`;
}

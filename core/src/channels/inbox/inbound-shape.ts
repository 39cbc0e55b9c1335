import { type Inbound, type TSchema, Type } from "openclaw-host-sdk";
import { type Check, describeIssues, lazyCheck } from "../../base/validator.ts";
import { MAX_CURSOR_CHARS, MAX_RECEIVE_BATCH } from "../../host/doors/checks.ts";
import { LABEL_UNITS, MAX_MEDIA, MAX_MENTIONS, MIME_UNITS, withShortLabels } from "./inbound-labels.ts";

/** Longest id in bytes (SDK contract, `messageId`). */
export const MAX_ID_BYTES = 512;
/** Longest text in UTF-16 units: far above any platform's (Slack 40,000), far below what hurts. */
export const MAX_TEXT_UNITS = 1_000_000;

/** Ids carry no control characters: they end up in logs, keys and commands. */
const Id = Type.String({ minLength: 1, maxLength: MAX_ID_BYTES, pattern: "^[^\\u0000-\\u001f\\u007f]+$" });
const Label = Type.Optional(Type.String({ maxLength: LABEL_UNITS }));
const PeerShape = Type.Object({
  kind: Type.Union([Type.Literal("dm"), Type.Literal("group"), Type.Literal("channel")]),
  id: Id,
  threadId: Type.Optional(Id),
  label: Label,
});
const ActorShape = Type.Object({ id: Id, name: Label, handle: Label, bot: Type.Optional(Type.Boolean()) });
const MediaShape = Type.Object({
  ref: Type.Optional(Id),
  pending: Type.Optional(Type.String({ minLength: 1, maxLength: 8_192 })),
  kind: Type.Union(["image", "audio", "voice", "video", "file", "sticker"].map((kind) => Type.Literal(kind))),
  mime: Type.Optional(Type.String({ maxLength: MIME_UNITS })),
  bytes: Type.Optional(Type.Integer({ minimum: 0 })),
  name: Label,
});
const BodyShape = Type.Object({
  text: Type.Optional(Type.String({ maxLength: MAX_TEXT_UNITS })),
  format: Type.Optional(Type.Union([Type.Literal("plain"), Type.Literal("markdown")])),
  media: Type.Optional(Type.Array(MediaShape, { maxItems: MAX_MEDIA })),
  group: Type.Optional(Id),
  mentions: Type.Optional(Type.Array(Type.String({ maxLength: LABEL_UNITS }), { maxItems: MAX_MENTIONS })),
});

const COMMON = {
  eventId: Id,
  at: Type.Integer({ minimum: 0 }),
  peer: PeerShape,
  from: ActorShape,
  self: Type.Optional(Type.Boolean()),
};

const event = (fields: Record<string, TSchema>): Check => lazyCheck(Type.Object({ ...COMMON, ...fields }));

/** One check per type, so that a fault is reported for the type the event claims to have. */
const CHECKS: Readonly<Record<Inbound["type"], Check>> = {
  message: event({
    messageId: Id,
    body: BodyShape,
    replyTo: Type.Optional(Id),
    mentionedMe: Type.Optional(Type.Boolean()),
    command: Type.Optional(Type.Object({ name: Id, args: Type.String({ maxLength: MAX_TEXT_UNITS }) })),
  }),
  edit: event({ messageId: Id, body: BodyShape }),
  delete: event({ messageId: Id }),
  reaction: event({ messageId: Id, emoji: Id, removed: Type.Optional(Type.Boolean()) }),
  pollVote: event({ messageId: Id, options: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 100 }) }),
  action: event({ messageId: Id, value: Type.String({ maxLength: MAX_TEXT_UNITS }) }),
  peerMoved: event({ to: PeerShape }),
};

function typeOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  return typeof value.type === "string" ? value.type : undefined;
}

function idFault(parsed: Inbound): string | undefined {
  const ids = { eventId: parsed.eventId, peer: parsed.peer.id, thread: parsed.peer.threadId, from: parsed.from.id };
  const all = { ...ids, messageId: "messageId" in parsed ? parsed.messageId : undefined };
  for (const [name, id] of Object.entries(all)) {
    if (id === undefined) continue;
    if (Buffer.byteLength(id) > MAX_ID_BYTES) return `the id of ${name} is longer than ${MAX_ID_BYTES} bytes`;
    if (!id.isWellFormed()) return `the id of ${name} is not well-formed Unicode`;
  }
  return undefined;
}

/**
 * Reads one event from a guest, which may lie about shape and size. What a sender can make long is cut; everything else that
 * is wrong is a fault of the channel and throws an `Error` that says where it is, for its author to read.
 */
export function parseInbound(raw: unknown): Inbound {
  const value = withShortLabels(raw);
  const type = typeOf(value);
  if (type === undefined || !Object.hasOwn(CHECKS, type)) {
    throw new Error(`an event needs a type, one of ${Object.keys(CHECKS).join(", ")}`);
  }
  const parsed = value as Inbound;
  const issues = CHECKS[parsed.type](value);
  if (issues.length > 0) throw new Error(describeIssues(issues));
  const fault = idFault(parsed);
  if (fault !== undefined) throw new Error(fault);
  return parsed;
}

/** Reads one `receive` call; a fault names the event it is in. */
export function parseBatch(batch: unknown, cursor: unknown): Inbound[] {
  if (!Array.isArray(batch)) throw new Error("receive needs an array of events");
  if (batch.length > MAX_RECEIVE_BATCH)
    throw new Error(`receive takes at most ${MAX_RECEIVE_BATCH} events, got ${batch.length}`);
  if (cursor !== undefined && (typeof cursor !== "string" || cursor.length > MAX_CURSOR_CHARS)) {
    throw new Error(`a cursor is a string of at most ${MAX_CURSOR_CHARS} characters`);
  }
  return batch.map((value, index) => {
    try {
      return parseInbound(value);
    } catch (error) {
      throw new Error(`event ${index + 1} of ${batch.length} is not valid: ${describe(error)}`, { cause: error });
    }
  });
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

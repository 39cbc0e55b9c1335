import { type TSchema, Type } from "openclaw-host-sdk";

/**
 * The contract's types as schemas, for what comes from a guest. They are open: a newer SDK may say more. Limits are far above
 * what platforms use; they bound what a lying guest can make the host keep.
 */
const words = (...values: readonly string[]): TSchema => Type.Unsafe<string>({ enum: [...values] });
const optional = (schema: TSchema): TSchema => Type.Optional(schema);

/** Characters, not bytes: the inbox, which keeps ids, counts again. */
const Id = Type.String({ minLength: 1, maxLength: 512 });
const Text = Type.String({ maxLength: 1_048_576 });
const Label = Type.String({ maxLength: 4_096 });
const PeerKind = words("dm", "group", "channel");
const MediaKind = words("image", "audio", "voice", "video", "file", "sticker");
const Bytes = Type.Integer({ minimum: 0 });

/** SDK contract, `Peer`. */
export const peer: TSchema = Type.Object({ kind: PeerKind, id: Id, threadId: optional(Id), label: optional(Label) });

const actor: TSchema = Type.Object({
  id: Id,
  name: optional(Label),
  handle: optional(Label),
  bot: optional(Type.Boolean()),
});

/** A handle; whether it is the guest's own is asked of the store. */
export const mediaRef: TSchema = Type.Object({
  ref: Type.String({ minLength: 1, maxLength: 64 }),
  kind: MediaKind,
  mime: Label,
  bytes: Bytes,
  name: optional(Label),
});

/** `self` is missing when the platform refused the account. */
export const probeResult: TSchema = Type.Object({
  ok: Type.Boolean(),
  self: optional(actor),
  lease: optional(Id),
  detail: optional(Label),
  fix: optional(Label),
});

/** `ids` may be empty here: what a nameless receipt means is decided where it is stored. */
export const receipt: TSchema = Type.Object({ ids: Type.Array(Id), at: Type.Number({ minimum: 0 }), peer });

/** Ids of a draft. */
export const streamIds: TSchema = Type.Array(Id);

/** `native` is the channel's own business and may be anything that can be stored as JSON. */
export const renderedPart: TSchema = Type.Object({ text: optional(Text), media: optional(Type.Array(mediaRef)) });

/** Limits of zero or less would make the host split for ever, so they are refused here. */
export const capabilities: TSchema = Type.Object({
  peers: Type.Array(PeerKind),
  threads: optional(Type.Boolean()),
  reactions: optional(Type.Union([Type.Boolean(), Type.Array(Label)])),
  edit: optional(Type.Object({ windowMs: optional(Type.Number({ minimum: 0 })) })),
  delete: optional(Type.Boolean()),
  polls: optional(Type.Object({ maxOptions: Bytes, votes: optional(Type.Boolean()) })),
  typing: optional(Type.Boolean()),
  media: optional(Type.Object({ in: Type.Array(MediaKind), out: Type.Array(MediaKind), maxBytes: Bytes })),
  text: Type.Object({
    limit: Type.Integer({ minimum: 1 }),
    captionLimit: optional(Type.Integer({ minimum: 1 })),
    unit: words("utf16", "bytes", "codepoints"),
    markdown: Type.Boolean(),
  }),
  delivery: Type.Object({
    idempotent: words("native", "reconcile", "none"),
    redeliveryWindowMs: Type.Number({ minimum: 0 }),
  }),
  livenessMs: optional(Type.Number({ minimum: 0 })),
  stream: optional(words("edit", "native")),
});

/** The first thing a guest says. */
export const loadOutcome: TSchema = Type.Union([
  Type.Object({
    ok: Type.Literal(true),
    contract: Type.Integer({ minimum: 0 }),
    channels: Type.Array(Type.Object({ id: Id, label: Label, has: Type.Array(words("render", "parseTarget")) })),
    agents: Type.Array(Id),
  }),
  Type.Object({ ok: Type.Literal(false), reason: Label, fix: Label }),
]);

const event = (t: string, fields: Record<string, TSchema>): TSchema => Type.Object({ t: Type.Literal(t), ...fields });

/** `args` and `result` of a tool are passed on as they are, to those who asked to see them. */
export const agentEvent: TSchema = Type.Union([
  event("text", { delta: Text }),
  event("thinking", { delta: Text }),
  event("tool", { id: Id, name: Label, phase: words("start", "update", "end"), isError: optional(Type.Boolean()) }),
  event("media", { m: mediaRef }),
  event("usage", { in: Type.Number({ minimum: 0 }), out: Type.Number({ minimum: 0 }) }),
  event("done", { reason: words("end", "abort", "error"), error: optional(Text) }),
]);

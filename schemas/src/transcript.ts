import { type Static, Type } from "@sinclair/typebox";
import { Count, EpochMs, Text, oneOf, open } from "./shapes.ts";

export const TextBlock = Type.Object({ type: Type.Literal("text"), text: Type.String() });

/**
 * `data` is base64. `chat.history` removes it and leaves `omitted: true` and the decoded size in `bytes`
 * (wire protocol 5.3). `ref` names the blob in the media store.
 */
export const ImageBlock = Type.Object({
  type: Type.Literal("image"),
  mimeType: Type.Optional(Text),
  data: Type.Optional(Type.String()),
  ref: Type.Optional(Text),
  omitted: Type.Optional(Type.Boolean()),
  bytes: Type.Optional(Count),
});

export const ThinkingBlock = Type.Object({ type: Type.Literal("thinking"), thinking: Type.String() });

export const ToolCallBlock = Type.Object({
  type: Type.Literal("toolCall"),
  id: Text,
  name: Text,
  arguments: Type.Optional(Type.Unknown()),
});

export const ContentBlock = Type.Union([TextBlock, ImageBlock, ThinkingBlock, ToolCallBlock]);
export type ContentBlock = Static<typeof ContentBlock>;

/** Token counts of one model call. */
export const Usage = Type.Object({
  input: Count,
  output: Count,
  cacheRead: Type.Optional(Count),
  cacheWrite: Type.Optional(Count),
  total: Count,
});
export type Usage = Static<typeof Usage>;

/**
 * One message of a session (wire protocol 5.3). Runtimes and clients add keys of their own, which are kept.
 * `toolCallId`, `toolName` and `isError` belong to role `toolResult`.
 */
export const TranscriptMessage = open({
  role: oneOf(["user", "assistant", "system", "toolResult"]),
  content: Type.Union([Type.String(), Type.Array(ContentBlock)]),
  timestamp: EpochMs,
  provider: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  stopReason: Type.Optional(Type.String()),
  usage: Type.Optional(Usage),
  errorMessage: Type.Optional(Type.String()),
  idempotencyKey: Type.Optional(Type.String()),
  toolCallId: Type.Optional(Type.String()),
  toolName: Type.Optional(Type.String()),
  isError: Type.Optional(Type.Boolean()),
});
export type TranscriptMessage = Static<typeof TranscriptMessage>;

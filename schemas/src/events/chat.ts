import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { defineEvent } from "../descriptor.ts";
import { Count, Text } from "../shapes.ts";
import { TranscriptMessage } from "../transcript.ts";

/** `seq` is that of the underlying agent event. Version 3 gets no key that its closed schema lacks (wire protocol 4.4). */
const common = {
  runId: Text,
  sessionKey: Text,
  seq: Count,
  agentId: Type.Optional(Text),
  sessionId: Type.Optional(Text),
  spawnedBy: Type.Optional(Text),
} satisfies TProperties;

const ending = {
  message: Type.Optional(TranscriptMessage),
  usage: Type.Optional(Type.Unknown()),
  stopReason: Type.Optional(Text),
} satisfies TProperties;

/**
 * The chat view of a run (wire protocol 4.4, 11.5). Any number of `status` and `delta`, then exactly one of `final`, `aborted`
 * and `error`. A delta's `message` is cumulative, `deltaText` is the new part; with `replace` the new part replaces all.
 */
export const ChatEventPayload = Type.Union([
  Type.Object({
    ...common,
    state: Type.Literal("delta"),
    deltaText: Type.String(),
    message: TranscriptMessage,
    replace: Type.Optional(Type.Boolean()),
  }),
  Type.Object({ ...common, state: Type.Literal("final"), ...ending }),
  /** `stopReason`: `rpc` (chat.abort), `stop` (a stop word) or `timeout`. */
  Type.Object({ ...common, state: Type.Literal("aborted"), ...ending }),
  Type.Object({
    ...common,
    state: Type.Literal("error"),
    errorMessage: Type.String(),
    errorKind: Type.Optional(Text),
    errorDetail: Type.Optional(Type.Unknown()),
  }),
  /** Version 4 only. */
  Type.Object({ ...common, state: Type.Literal("status"), phase: Text }),
]);
export type ChatEventPayload = Static<typeof ChatEventPayload>;

export const chatEvents = {
  chat: defineEvent({
    name: "chat",
    payload: ChatEventPayload,
    audience: "operator.read",
    droppable: (payload) => payload.state === "delta",
  }),
};

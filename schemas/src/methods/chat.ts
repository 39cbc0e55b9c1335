import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { Count, SessionKeyText, Text, closed, oneOf } from "../shapes.ts";
import { TranscriptMessage } from "../transcript.ts";

/** What an abort reached. An unknown run is no error: `aborted` is false. */
const AbortResult = Type.Object({
  ok: Type.Literal(true),
  aborted: Type.Boolean(),
  runIds: Type.Array(Text),
});

/** `started`, or the state of the run that an earlier call with the same key started. */
const ChatRun = Type.Object({
  runId: Text,
  status: oneOf(["started", "in_flight", "ok", "error"]),
  summary: Type.Optional(Type.String()),
});

/** Talking with an agent in a session (wire protocol 5.3). */
export const chatMethods = {
  "chat.history": defineMethod({
    name: "chat.history",
    params: closed({
      sessionKey: SessionKeyText,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: "Messages; default 200." })),
    }),
    /** `sessionKey` as it was sent; newest message last; an unknown session has none. */
    result: Type.Object({
      sessionKey: Text,
      sessionId: Type.Optional(Text),
      messages: Type.Array(TranscriptMessage),
      thinkingLevel: Type.Optional(Type.String()),
      verboseLevel: Type.Optional(Type.String()),
    }),
    scope: "operator.read",
  }),
  "chat.send": defineMethod({
    name: "chat.send",
    /** `message` may be empty when there are attachments. `timeoutMs` limits the run. */
    params: closed({
      sessionKey: SessionKeyText,
      message: Type.String(),
      idempotencyKey: Text,
      thinking: Type.Optional(Type.String()),
      deliver: Type.Optional(Type.Boolean()),
      attachments: Type.Optional(Type.Array(Type.Unknown())),
      timeoutMs: Type.Optional(Count),
    }),
    /** Stop words (`/stop`, `stop`, `abort`) answer as `chat.abort` does. */
    result: Type.Union([ChatRun, AbortResult]),
    scope: "operator.write",
    idempotency: "durable",
  }),
  "chat.abort": defineMethod({
    name: "chat.abort",
    params: closed({ sessionKey: SessionKeyText, runId: Type.Optional(Text) }),
    result: AbortResult,
    scope: "operator.write",
  }),
  "chat.inject": defineMethod({
    name: "chat.inject",
    params: closed({
      sessionKey: SessionKeyText,
      message: Text,
      label: Type.Optional(Type.String({ maxLength: 100 })),
    }),
    result: Type.Object({ ok: Type.Literal(true), messageId: Text }),
    scope: "operator.admin",
    listed: false,
  }),
};

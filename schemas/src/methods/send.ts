import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { Text, closed } from "../shapes.ts";

/** Sending without an agent (wire protocol 5.3). */
export const sendMethods = {
  send: defineMethod({
    name: "send",
    /** Text or media is required; without `channel` the only configured one is used. */
    params: closed({
      to: Text,
      idempotencyKey: Text,
      message: Type.Optional(Type.String()),
      mediaUrl: Type.Optional(Type.String()),
      mediaUrls: Type.Optional(Type.Array(Type.String())),
      gifPlayback: Type.Optional(Type.Boolean()),
      channel: Type.Optional(Type.String()),
      accountId: Type.Optional(Type.String()),
      agentId: Type.Optional(Type.String()),
      threadId: Type.Optional(Type.String()),
      sessionKey: Type.Optional(Type.String()),
    }),
    /** `runId` is the idempotency key, `messageId` the platform's id of the (last) message. */
    result: Type.Object({
      runId: Text,
      messageId: Text,
      channel: Text,
      chatId: Type.Optional(Text),
      channelId: Type.Optional(Text),
      toJid: Type.Optional(Text),
      conversationId: Type.Optional(Text),
    }),
    scope: "operator.write",
    idempotency: "durable",
  }),
};

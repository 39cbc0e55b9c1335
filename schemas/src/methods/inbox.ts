import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { InboxId, KeptState, KeptSummary } from "../inbox.ts";
import { Positive, Text, closed } from "../shapes.ts";

const WhichMessage = closed({ id: InboxId });

/** `events`: those that the decision changed; the pieces of an album or burst are decided on together. */
const Decided = Type.Object({ id: InboxId, events: Positive });

/** Messages that came in and were kept from running. */
export const inboxMethods = {
  "inbox.list": defineMethod({
    name: "inbox.list",
    params: closed({
      /** Default `parked`: those that wait for a decision. */
      state: Type.Optional(KeptState),
      channel: Type.Optional(Text),
      accountId: Type.Optional(Text),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: "Default 50." })),
      /** The `nextCursor` of an earlier page. */
      cursor: Type.Optional(InboxId),
    }),
    /** Newest first. `nextCursor` is there when older ones follow. */
    result: Type.Object({ messages: Type.Array(KeptSummary), nextCursor: Type.Optional(InboxId) }),
    scope: "operator.read",
  }),
  /** With the whole text. */
  "inbox.get": defineMethod({
    name: "inbox.get",
    params: WhichMessage,
    result: Type.Object({ message: KeptSummary }),
    scope: "operator.read",
  }),
  /** Takes a message up again, in its place in the conversation; what the owner allows now decides whether it runs. */
  "inbox.retry": defineMethod({
    name: "inbox.retry",
    params: WhichMessage,
    result: Decided,
    scope: "operator.write",
    strict: true,
  }),
  /** Leaves a message unanswered for good. */
  "inbox.drop": defineMethod({
    name: "inbox.drop",
    params: WhichMessage,
    result: Decided,
    scope: "operator.write",
    strict: true,
  }),
};

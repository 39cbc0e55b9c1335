import { type TSchema, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { DeliveryPart, DeliveryState, DeliverySummary } from "../delivery.ts";
import { Count, EpochMs, NoParams, Text, closed } from "../shapes.ts";

const WhichDelivery = closed({ deliveryId: Text });

/** Rows by state; a state without rows is absent. */
const Counts = Type.Record(Text, Count);

/** What the owner's decision changed. */
const Decided = Type.Object({
  deliveryId: Text,
  parts: Type.Integer({ minimum: 1, description: "Parts that the decision changed." }),
});

const optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

/** The ledger of everything that leaves. */
export const deliveryMethods = {
  "delivery.list": defineMethod({
    name: "delivery.list",
    params: closed({
      /** Deliveries with at least one part in this state; for `sent`, with every part. */
      state: optional(DeliveryState),
      channel: optional(Text),
      accountId: optional(Text),
      /** What answers this event of a platform. */
      eventId: optional(Text),
      since: optional(EpochMs),
      limit: optional(Type.Integer({ minimum: 1, maximum: 200, description: "Default 50." })),
      /** The `nextCursor` of an earlier page. */
      cursor: optional(Text),
    }),
    /** Newest first. `nextCursor` is there when older ones follow. */
    result: Type.Object({ deliveries: Type.Array(DeliverySummary), nextCursor: optional(Text) }),
    scope: "operator.read",
  }),
  "delivery.get": defineMethod({
    name: "delivery.get",
    params: WhichDelivery,
    /**
     * The whole way of a message: the platform's events that it answers, the run, the delivery, and the receipt of every part.
     * `events` is empty and `run` absent for a message nobody asked for on a channel, and `run` once it is forgotten.
     */
    result: Type.Object({
      delivery: DeliverySummary,
      text: optional(Type.String()),
      parts: Type.Array(DeliveryPart),
      events: Type.Array(
        Type.Object({ eventId: Text, messageId: optional(Text), at: EpochMs, receivedAt: EpochMs, state: Text }),
      ),
      run: optional(Type.Object({ runId: Text, door: Text, sessionKey: Text, state: Text })),
    }),
    scope: "operator.read",
  }),
  /** Sends again what is parked or dead; it may then arrive twice. What was sent stays sent. */
  "delivery.retry": defineMethod({
    name: "delivery.retry",
    params: WhichDelivery,
    result: Decided,
    scope: "operator.write",
    strict: true,
  }),
  /** Gives up what was not sent. */
  "delivery.drop": defineMethod({
    name: "delivery.drop",
    params: WhichDelivery,
    result: Decided,
    scope: "operator.write",
    strict: true,
  }),
  "delivery.stats": defineMethod({
    name: "delivery.stats",
    params: NoParams,
    /** One entry per account that ever received or sent. */
    result: Type.Object({
      ts: EpochMs,
      accounts: Type.Array(
        Type.Object({ channel: Text, accountId: Text, inbox: Counts, outbox: Counts, parked: Count }),
      ),
    }),
    scope: "operator.read",
  }),
};

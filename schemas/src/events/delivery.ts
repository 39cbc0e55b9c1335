import { type Static, Type } from "@sinclair/typebox";
import { defineEvent } from "../descriptor.ts";
import { Count, EpochMs, Positive, Text, oneOf } from "../shapes.ts";

/**
 * The fate of one part is settled (`sent`, `dead`) or, as far as the gateway can tell, will stay unknown (`unknown`: it is
 * parked, and `fix` is the command that sends it again). Parts behind a dead one are dead with it, without an event.
 */
export const DeliveryEventPayload = Type.Object({
  deliveryId: Text,
  channel: Text,
  accountId: Text,
  runId: Type.Optional(Text),
  part: Count,
  of: Positive,
  state: oneOf(["sent", "dead", "unknown"]),
  reason: Type.Optional(Type.String()),
  fix: Type.Optional(Text),
  /** Ids of the platform's messages, from the receipt. */
  messageIds: Type.Array(Text),
  ts: EpochMs,
});
export type DeliveryEventPayload = Static<typeof DeliveryEventPayload>;

export const deliveryEvents = {
  delivery: defineEvent({
    name: "delivery",
    payload: DeliveryEventPayload,
    audience: "operator.read",
    droppable: true,
  }),
};

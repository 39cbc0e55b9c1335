import { type Static, Type } from "@sinclair/typebox";
import { Count, EpochMs, Positive, Text, oneOf } from "./shapes.ts";

/**
 * `queued -> sending -> sent | retry | unknown | dead`. An `unknown` part may or may not have arrived: the platform is still
 * asked about it, or it is parked and waits for its owner.
 */
export const DELIVERY_STATES = ["queued", "sending", "sent", "retry", "unknown", "dead"] as const;

export const DeliveryState = oneOf(DELIVERY_STATES);

/** One part of a delivery: one call of the platform. */
export const DeliveryPart = Type.Object({
  index: Count,
  state: DeliveryState,
  /** True when its fate is unknown and nothing more will be done about it without its owner. */
  parked: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  /** Ids of the platform's messages, from the receipt. */
  messageIds: Type.Array(Text),
  attempts: Count,
  nextAt: Type.Optional(EpochMs),
  changedAt: EpochMs,
});
export type DeliveryPart = Static<typeof DeliveryPart>;

/** One message that leaves, or left. */
export const DeliverySummary = Type.Object({
  deliveryId: Text,
  channel: Text,
  accountId: Text,
  to: Type.Object({ kind: Text, id: Text, threadId: Type.Optional(Text) }),
  runId: Type.Optional(Text),
  createdAt: EpochMs,
  /** `dead` or `unknown` when one of its parts is, else that of the first part that was not sent. */
  state: DeliveryState,
  parked: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  parts: Positive,
  sentParts: Count,
});
export type DeliverySummary = Static<typeof DeliverySummary>;

import { type Static, Type } from "@sinclair/typebox";
import { Count, EpochMs, Text, oneOf } from "./shapes.ts";

/** `parked`: it waits for its owner; `refused`: policy kept it out. */
export const KEPT_STATES = ["parked", "refused"] as const;

export const KeptState = oneOf(KEPT_STATES);

/** Names a message in the gateway's inbox. */
export const InboxId = Type.Integer({ minimum: 1, description: "Id of a message in the gateway's inbox." });

/** One message that came in and was kept from running. */
export const KeptSummary = Type.Object({
  id: InboxId,
  channel: Text,
  accountId: Text,
  /** The platform's event. */
  eventId: Text,
  from: Type.Object({ id: Text, name: Type.Optional(Type.String()) }),
  to: Type.Object({ kind: Text, id: Text, threadId: Type.Optional(Text) }),
  /** At most 200 characters in a list. */
  text: Type.String(),
  /** Files it came with. */
  files: Count,
  state: KeptState,
  reason: Type.String(),
  /** Attempts that did not end. */
  attempts: Count,
  receivedAt: EpochMs,
  /** When it was parked or refused. */
  changedAt: EpochMs,
});
export type KeptSummary = Static<typeof KeptSummary>;

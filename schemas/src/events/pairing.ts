import { Type } from "@sinclair/typebox";
import { defineEvent } from "../descriptor.ts";
import { PairingRequest } from "../methods/pairing.ts";
import { EpochMs, Text, oneOf } from "../shapes.ts";

/** News of strangers who wait for the owner (wire protocol 8.3; the events are this gateway's own). */
export const pairingEvents = {
  /** A new request; a repeat of it is no news. */
  "channel.pairing.requested": defineEvent({
    name: "channel.pairing.requested",
    payload: PairingRequest,
    audience: "operator.pairing",
  }),
  /** Not sent for a request that expires: `expiresAt` has told when. */
  "channel.pairing.resolved": defineEvent({
    name: "channel.pairing.resolved",
    payload: Type.Object({
      channel: Text,
      accountId: Text,
      senderId: Text,
      decision: oneOf(["approved", "rejected", "removed"]),
      by: Text,
      ts: EpochMs,
    }),
    audience: "operator.pairing",
  }),
};

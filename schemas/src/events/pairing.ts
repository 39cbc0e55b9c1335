import { Type } from "@sinclair/typebox";
import { defineEvent } from "../descriptor.ts";
import { PendingDevice } from "../methods/devices.ts";
import { NodePairingRequest } from "../methods/nodes.ts";
import { PairingRequest } from "../methods/pairing.ts";
import { EpochMs, Text, oneOf } from "../shapes.ts";

const decision = oneOf(["approved", "rejected"]);

/** News of devices that wait to be paired (wire protocol section 6). */
export const devicePairingEvents = {
  /** A new request; a repeat of it is no news. */
  "device.pair.requested": defineEvent({
    name: "device.pair.requested",
    payload: PendingDevice,
    audience: "operator.pairing",
    droppable: true,
  }),
  /** Also for a device that was let in without a person: then `requestId` is one that nobody saw. */
  "device.pair.resolved": defineEvent({
    name: "device.pair.resolved",
    payload: Type.Object({ requestId: Text, deviceId: Text, decision, ts: EpochMs }),
    audience: "operator.pairing",
    droppable: true,
  }),
  "node.pair.requested": defineEvent({
    name: "node.pair.requested",
    payload: NodePairingRequest,
    audience: "operator.pairing",
    droppable: true,
  }),
  "node.pair.resolved": defineEvent({
    name: "node.pair.resolved",
    payload: Type.Object({ requestId: Text, nodeId: Text, decision, ts: EpochMs }),
    audience: "operator.pairing",
    droppable: true,
  }),
};

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

import { type Static, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { EpochMs, Text, closed } from "../shapes.ts";

/** Somebody who wrote to an account and waits for its owner (wire protocol 8.3). */
export const PairingRequest = Type.Object({
  channel: Text,
  accountId: Text,
  senderId: Text,
  /** What the platform calls the sender: shown, never compared. */
  name: Type.Optional(Type.String()),
  handle: Type.Optional(Type.String()),
  code: Text,
  createdAt: EpochMs,
  lastSeenAt: EpochMs,
  expiresAt: EpochMs,
});
export type PairingRequest = Static<typeof PairingRequest>;

/** Somebody whose direct messages are heard because an operator or an owner approved a code. */
export const PairedSender = Type.Object({
  channel: Text,
  accountId: Text,
  senderId: Text,
  name: Type.Optional(Type.String()),
  handle: Type.Optional(Type.String()),
  approvedAt: EpochMs,
  /** The device, `local-owner`, or `<channel>:<id>` of an owner who approved in chat. */
  approvedBy: Text,
});
export type PairedSender = Static<typeof PairedSender>;

/** Without `accountId` every account of the channel is meant; codes are unique within a channel. */
const byCode = closed({ channel: Text, code: Text, accountId: Type.Optional(Text) });

/** Direct messages of strangers under `dmPolicy: "pairing"` (wire protocol 8.3; the methods are this gateway's own). */
export const pairingMethods = {
  "channel.pairing.list": defineMethod({
    name: "channel.pairing.list",
    params: closed({ channel: Type.Optional(Text), accountId: Type.Optional(Text) }),
    result: Type.Object({ requests: Type.Array(PairingRequest), approved: Type.Array(PairedSender) }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** May be repeated: a code that was approved within its hour answers as the first time. */
  "channel.pairing.approve": defineMethod({
    name: "channel.pairing.approve",
    params: byCode,
    result: Type.Object({ sender: PairedSender }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** The sender is not told and may ask again. */
  "channel.pairing.reject": defineMethod({
    name: "channel.pairing.reject",
    params: byCode,
    result: Type.Object({ request: PairingRequest }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** Takes an approval back; people on `allowFrom` are not touched. */
  "channel.pairing.remove": defineMethod({
    name: "channel.pairing.remove",
    params: closed({ channel: Text, senderId: Text, accountId: Type.Optional(Text) }),
    result: Type.Object({ removed: Type.Array(PairedSender) }),
    scope: "operator.pairing",
    strict: true,
  }),
};

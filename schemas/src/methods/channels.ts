import { type Static, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { EpochMs, Text, closed, open } from "../shapes.ts";

const EpochOrNull = Type.Union([EpochMs, Type.Null()]);

/** One account of a channel (wire protocol 5.7). Channels add keys of their own. */
export const AccountSnapshot = open({
  accountId: Text,
  name: Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean()),
  configured: Type.Optional(Type.Boolean()),
  linked: Type.Optional(Type.Boolean()),
  running: Type.Optional(Type.Boolean()),
  connected: Type.Optional(Type.Boolean()),
  reconnectAttempts: Type.Optional(Type.Integer({ minimum: 0 })),
  lastConnectedAt: Type.Optional(EpochOrNull),
  lastError: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  lastStartAt: Type.Optional(EpochOrNull),
  lastStopAt: Type.Optional(EpochOrNull),
  lastInboundAt: Type.Optional(EpochOrNull),
  lastOutboundAt: Type.Optional(EpochOrNull),
  lastProbeAt: Type.Optional(EpochOrNull),
  mode: Type.Optional(Type.String()),
  dmPolicy: Type.Optional(Type.String()),
  allowFrom: Type.Optional(Type.Array(Type.String())),
  probe: Type.Optional(Type.Unknown()),
  /** The contract's health state and, when it is not `ready`, why and what to do about it. */
  state: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  fix: Type.Optional(Type.String()),
  /** When the platform last answered, whatever it was asked. */
  lastRoundTripAt: Type.Optional(EpochOrNull),
  /** `open` while the account rests because it failed too often, `half-open` for the one attempt after that. */
  circuit: Type.Optional(Type.String()),
  nextAttemptAt: Type.Optional(EpochOrNull),
});
export type AccountSnapshot = Static<typeof AccountSnapshot>;

/** Channels and their accounts (wire protocol 5.7). */
export const channelMethods = {
  "channels.status": defineMethod({
    name: "channels.status",
    params: closed({
      probe: Type.Optional(Type.Boolean()),
      timeoutMs: Type.Optional(
        Type.Integer({ minimum: 0, description: "Milliseconds; default 10000, less than 1000 counts as 1000." }),
      ),
    }),
    result: Type.Object({
      ts: EpochMs,
      channelOrder: Type.Array(Text),
      channelLabels: Type.Record(Text, Type.String()),
      channelDetailLabels: Type.Optional(Type.Record(Text, Type.String())),
      channelSystemImages: Type.Optional(Type.Record(Text, Type.String())),
      channelMeta: Type.Optional(
        Type.Array(
          Type.Object({
            id: Text,
            label: Type.String(),
            detailLabel: Type.String(),
            systemImage: Type.Optional(Type.String()),
          }),
        ),
      ),
      channels: Type.Record(Text, open({ configured: Type.Boolean() })),
      channelAccounts: Type.Record(Text, Type.Array(AccountSnapshot)),
      channelDefaultAccountId: Type.Record(Text, Text),
    }),
    scope: "operator.read",
  }),
};

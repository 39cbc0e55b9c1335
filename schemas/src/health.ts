import { type Static, Type } from "@sinclair/typebox";
import { Count, EpochMs, Text, open } from "./shapes.ts";

/** What `health` says of one channel. Channels add keys of their own. */
export const ChannelHealth = open({
  accountId: Type.Optional(Text),
  configured: Type.Optional(Type.Boolean()),
  linked: Type.Optional(Type.Boolean()),
  probe: Type.Optional(Type.Unknown()),
  lastProbeAt: Type.Optional(Type.Union([EpochMs, Type.Null()])),
  accounts: Type.Optional(Type.Record(Text, Type.Unknown())),
});
export type ChannelHealth = Static<typeof ChannelHealth>;

/** The heartbeat of one agent. `every` is a duration in words (`30m`, `0m` when off), `everyMs` the same in ms. */
export const AgentHeartbeat = Type.Object({
  enabled: Type.Boolean(),
  every: Text,
  everyMs: Type.Union([Count, Type.Null()]),
  prompt: Type.Optional(Type.String()),
  target: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  ackMaxChars: Type.Optional(Count),
});
export type AgentHeartbeat = Static<typeof AgentHeartbeat>;

/** Where sessions are kept and the newest of them. `age` is in milliseconds. */
export const SessionsSummary = Type.Object({
  path: Type.String(),
  count: Count,
  recent: Type.Array(
    Type.Object({ key: Text, updatedAt: Type.Union([EpochMs, Type.Null()]), age: Type.Union([Count, Type.Null()]) }),
  ),
});
export type SessionsSummary = Static<typeof SessionsSummary>;

export const AgentHealth = Type.Object({
  agentId: Text,
  name: Type.Optional(Text),
  isDefault: Type.Boolean(),
  heartbeat: AgentHeartbeat,
  sessions: SessionsSummary,
});
export type AgentHealth = Static<typeof AgentHealth>;

/**
 * The result of `health` and the payload of the `health` event (wire protocol section 3). `problems`, absent when there are none,
 * says what keeps a part of the gateway from its work and what to do about it.
 */
export const HealthSnapshot = Type.Object({
  ok: Type.Literal(true),
  ts: EpochMs,
  durationMs: Count,
  channels: Type.Record(Text, ChannelHealth),
  channelOrder: Type.Array(Text),
  channelLabels: Type.Record(Text, Type.String()),
  heartbeatSeconds: Count,
  defaultAgentId: Text,
  agents: Type.Array(AgentHealth),
  sessions: SessionsSummary,
  problems: Type.Optional(
    Type.Array(
      Type.Object({
        part: Text,
        reason: Text,
        since: EpochMs,
      }),
    ),
  ),
  plugins: Type.Optional(
    Type.Object({
      loaded: Type.Array(Text),
      errors: Type.Array(Type.Unknown()),
      unavailable: Type.Optional(Type.Array(Type.Unknown())),
    }),
  ),
});
export type HealthSnapshot = Static<typeof HealthSnapshot>;

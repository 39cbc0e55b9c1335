import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { AgentHeartbeat, HealthSnapshot } from "../health.ts";
import { PresenceEntry } from "../hello.ts";
import { Count, Done, EpochMs, Text, closed, oneOf, open } from "../shapes.ts";

const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
const TextOrNull = Type.Union([Text, Type.Null()]);

/** One session as `status` shows it. Ages in milliseconds, tokens as counts, `percentUsed` from 0 to 100. */
const StatusRow = open({
  agentId: Type.Optional(Text),
  key: Text,
  kind: Text,
  sessionId: Type.Optional(Text),
  updatedAt: Type.Union([EpochMs, Type.Null()]),
  age: Type.Union([Count, Type.Null()]),
  remainingTokens: NumberOrNull,
  percentUsed: NumberOrNull,
  model: TextOrNull,
  contextTokens: NumberOrNull,
  flags: Type.Array(Type.String()),
});

/** Callers without admin get no paths and no rows (wire protocol 5.2). */
const StatusResult = Type.Object({
  linkChannel: Type.Optional(Type.Unknown()),
  runtimeVersion: Type.Optional(Text),
  /** SHA-256 of the certificate, `AB:CD:...`, and the end of its validity; absent when the port is not encrypted. */
  tls: Type.Optional(Type.Object({ fingerprint: Text, validToMs: EpochMs })),
  heartbeat: Type.Object({
    defaultAgentId: Text,
    agents: Type.Array(
      Type.Object({
        agentId: Text,
        enabled: AgentHeartbeat.properties.enabled,
        every: AgentHeartbeat.properties.every,
        everyMs: AgentHeartbeat.properties.everyMs,
      }),
    ),
  }),
  channelSummary: Type.Array(Type.String()),
  queuedSystemEvents: Type.Array(Type.String()),
  sessions: Type.Object({
    paths: Type.Array(Type.String()),
    count: Count,
    defaults: Type.Object({ model: TextOrNull, contextTokens: NumberOrNull }),
    recent: Type.Array(StatusRow),
    byAgent: Type.Array(
      Type.Object({ agentId: Text, path: Type.String(), count: Count, recent: Type.Array(StatusRow) }),
    ),
  }),
});

/** A host's own presence, or a line of text for the main session. Open: unknown keys are ignored in every version. */
const SystemEventParams = open({
  text: Type.String(),
  deviceId: Type.Optional(Type.String()),
  instanceId: Type.Optional(Type.String()),
  host: Type.Optional(Type.String()),
  ip: Type.Optional(Type.String()),
  mode: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  platform: Type.Optional(Type.String()),
  deviceFamily: Type.Optional(Type.String()),
  modelIdentifier: Type.Optional(Type.String()),
  lastInputSeconds: Type.Optional(Type.Number()),
  reason: Type.Optional(Type.String()),
  roles: Type.Optional(Type.Array(Type.String())),
  scopes: Type.Optional(Type.Array(Type.String())),
  tags: Type.Optional(Type.Array(Type.String())),
});

/** The last heartbeat an agent ran (wire protocol section 6, `heartbeat`). Durations in milliseconds. */
const Heartbeat = Type.Object({
  ts: EpochMs,
  status: oneOf(["sent", "ok-empty", "ok-token", "skipped", "failed"]),
  reason: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  accountId: Type.Optional(Type.String()),
  preview: Type.Optional(Type.String({ maxLength: 200 })),
  durationMs: Type.Optional(Count),
  hasMedia: Type.Optional(Type.Boolean()),
  channel: Type.Optional(Type.String()),
  silent: Type.Optional(Type.Boolean()),
  indicatorType: Type.Optional(oneOf(["ok", "alert", "error"])),
});

/** Lines of the gateway's log file. `cursor` and `size` are byte offsets; `reset` says the cursor could not be followed. */
const LogsTailResult = Type.Object({
  file: Type.String(),
  cursor: Count,
  size: Count,
  lines: Type.Array(Type.String()),
  truncated: Type.Optional(Type.Boolean()),
  reset: Type.Optional(Type.Boolean()),
});

/** The gateway itself: health, status, presence, heartbeat, logs (wire protocol 5.2). */
export const systemMethods = {
  /** Params are not checked; `{probe: true}` asks for fresh values. */
  health: defineMethod({ name: "health", params: Type.Unknown(), result: HealthSnapshot, role: "any", scope: "none" }),
  /** Params are not checked. */
  status: defineMethod({ name: "status", params: Type.Unknown(), result: StatusResult, scope: "operator.read" }),
  "system-presence": defineMethod({
    name: "system-presence",
    params: Type.Unknown(),
    result: Type.Array(PresenceEntry),
    scope: "operator.read",
  }),
  "system-event": defineMethod({
    name: "system-event",
    params: SystemEventParams,
    result: Done,
    scope: "operator.admin",
  }),
  "last-heartbeat": defineMethod({
    name: "last-heartbeat",
    params: Type.Unknown(),
    result: Type.Union([Heartbeat, Type.Null()]),
    scope: "operator.read",
  }),
  "logs.tail": defineMethod({
    name: "logs.tail",
    params: closed({
      cursor: Type.Optional(Count),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, description: "Lines; default 500." })),
      maxBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: "Bytes; default 250000." })),
    }),
    result: LogsTailResult,
    scope: "operator.read",
  }),
};

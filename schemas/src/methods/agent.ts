import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { Count, EpochMs, Label, SessionKeyText, Text, closed, oneOf } from "../shapes.ts";
import { Usage } from "../transcript.ts";

/** Where the text of a run came from. */
const InputProvenance = closed({
  kind: oneOf(["external_user", "inter_session", "internal_system"]),
  sourceSessionKey: Type.Optional(Type.String()),
  sourceChannel: Type.Optional(Type.String()),
  sourceTool: Type.Optional(Type.String()),
});

/**
 * Wire protocol 5.3. `timeout` is in seconds. An attachment is `{type?, mimeType?, fileName?, content}` with `content` in
 * base64 or as a data URL; images only, at most 5,000,000 decoded bytes each.
 */
const AgentParams = closed({
  message: Text,
  idempotencyKey: Text,
  agentId: Type.Optional(Text),
  to: Type.Optional(Type.String()),
  replyTo: Type.Optional(Type.String()),
  sessionId: Type.Optional(Type.String()),
  sessionKey: Type.Optional(Type.String()),
  thinking: Type.Optional(Type.String()),
  deliver: Type.Optional(Type.Boolean()),
  attachments: Type.Optional(Type.Array(Type.Unknown())),
  channel: Type.Optional(Type.String()),
  replyChannel: Type.Optional(Type.String()),
  accountId: Type.Optional(Type.String()),
  replyAccountId: Type.Optional(Type.String()),
  threadId: Type.Optional(Type.String()),
  groupId: Type.Optional(Type.String()),
  groupChannel: Type.Optional(Type.String()),
  groupSpace: Type.Optional(Type.String()),
  timeout: Type.Optional(Count),
  bestEffortDeliver: Type.Optional(Type.Boolean()),
  lane: Type.Optional(Type.String()),
  extraSystemPrompt: Type.Optional(Type.String()),
  inputProvenance: Type.Optional(InputProvenance),
  label: Type.Optional(Label),
  spawnedBy: Type.Optional(Type.String()),
});

/** First response of `agent`. Version 3 is sent `runId`, `status` and `acceptedAt` only. */
const AgentAccepted = Type.Object({
  runId: Text,
  status: oneOf(["accepted", "in_flight"]),
  acceptedAt: EpochMs,
  sessionKey: Text,
  agentId: Text,
});

const AgentPayload = Type.Object({
  text: Type.Optional(Type.String()),
  mediaUrl: Type.Union([Type.String(), Type.Null()]),
  mediaUrls: Type.Optional(Type.Array(Type.String())),
  isError: Type.Optional(Type.Boolean()),
});

/** What the run did. `durationMs` counts from the start of the run. */
const AgentMeta = Type.Object({
  durationMs: Count,
  agentMeta: Type.Object({
    sessionId: Text,
    provider: Type.String(),
    model: Type.String(),
    usage: Type.Optional(Usage),
  }),
  aborted: Type.Optional(Type.Boolean()),
  stopReason: Type.Optional(Type.String()),
});

/** Second response of `agent` (wire protocol 4.2). With `status: "error"` the response is `ok: false`. */
const AgentResult = Type.Object({
  runId: Text,
  status: oneOf(["ok", "error"]),
  summary: Type.String(),
  result: Type.Optional(Type.Object({ payloads: Type.Array(AgentPayload), meta: AgentMeta })),
});

/** `timeout` without times: the wait ended first; with times: the run was aborted. */
const AgentWaitResult = Type.Object({
  runId: Text,
  status: oneOf(["ok", "error", "timeout"]),
  startedAt: Type.Optional(EpochMs),
  endedAt: Type.Optional(EpochMs),
  error: Type.Optional(Type.String()),
  stopReason: Type.Optional(Type.String()),
});

const AgentRow = Type.Object({
  id: Text,
  name: Type.Optional(Text),
  identity: Type.Optional(
    Type.Object({
      name: Type.Optional(Type.String()),
      theme: Type.Optional(Type.String()),
      emoji: Type.Optional(Type.String()),
      avatar: Type.Optional(Type.String()),
      avatarUrl: Type.Optional(Type.String()),
    }),
  ),
});

/** Running an agent and asking who it is (wire protocol 5.3, 5.10). */
export const agentMethods = {
  agent: defineMethod({
    name: "agent",
    params: AgentParams,
    accepted: AgentAccepted,
    /** A repeat while the run is going on is answered once, with `in_flight`; version 3 is told `accepted`. */
    result: Type.Union([AgentResult, AgentAccepted]),
    scope: "operator.write",
    idempotency: "durable",
  }),
  "agent.wait": defineMethod({
    name: "agent.wait",
    params: closed({
      runId: Text,
      timeoutMs: Type.Optional(Type.Integer({ minimum: 0, description: "Milliseconds; default 30000." })),
    }),
    result: AgentWaitResult,
    scope: "operator.write",
  }),
  "agent.identity.get": defineMethod({
    name: "agent.identity.get",
    params: closed({ agentId: Type.Optional(Text), sessionKey: Type.Optional(SessionKeyText) }),
    result: Type.Object({
      agentId: Text,
      name: Text,
      avatar: Text,
      emoji: Type.Optional(Text),
    }),
    scope: "operator.read",
  }),
  "agents.list": defineMethod({
    name: "agents.list",
    params: closed({}),
    result: Type.Object({
      defaultId: Text,
      mainKey: Text,
      scope: oneOf(["per-sender", "global"]),
      agents: Type.Array(AgentRow),
    }),
    scope: "operator.read",
  }),
};

import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { defineEvent } from "../descriptor.ts";
import { Count, EpochMs, Positive, Text } from "../shapes.ts";

const Lifecycle = Type.Union([
  Type.Object({ phase: Type.Literal("start"), startedAt: EpochMs }),
  /** Version 4 only. */
  Type.Object({ phase: Type.Literal("model"), provider: Text, model: Text }),
  Type.Object({
    phase: Type.Literal("end"),
    startedAt: Type.Optional(EpochMs),
    endedAt: EpochMs,
    aborted: Type.Optional(Type.Boolean()),
  }),
  Type.Object({
    phase: Type.Literal("error"),
    startedAt: Type.Optional(EpochMs),
    endedAt: EpochMs,
    error: Type.String(),
  }),
]);

/** `text` is everything so far, `delta` what is new. `itemId` is version 4 only. */
const Assistant = Type.Object({
  text: Type.String(),
  delta: Type.String(),
  mediaUrls: Type.Optional(Type.Array(Type.String())),
  itemId: Type.Optional(Text),
});

const Thinking = Type.Object({ text: Type.String(), delta: Type.String() });

const Tool = Type.Union([
  Type.Object({ phase: Type.Literal("start"), name: Text, toolCallId: Text, args: Type.Optional(Type.Unknown()) }),
  Type.Object({
    phase: Type.Literal("update"),
    name: Text,
    toolCallId: Text,
    partialResult: Type.Optional(Type.Unknown()),
  }),
  Type.Object({
    phase: Type.Literal("result"),
    name: Text,
    toolCallId: Text,
    isError: Type.Boolean(),
    meta: Type.Optional(Type.Unknown()),
    result: Type.Optional(Type.Unknown()),
  }),
]);

/** `seq` counts per run from 1. Version 3 gets neither `sessionId` nor `agentId`. */
function onStream<const S extends string, D extends TSchema>(stream: S, data: D) {
  return Type.Object({
    runId: Text,
    seq: Positive,
    stream: Type.Literal(stream),
    ts: EpochMs,
    data,
    sessionKey: Type.Optional(Text),
    sessionId: Type.Optional(Text),
    agentId: Type.Optional(Text),
  });
}

/** One step of a run (wire protocol 4.3). Tool steps go only to the connections that asked for them. */
export const AgentEventPayload = Type.Union([
  onStream("lifecycle", Lifecycle),
  onStream("assistant", Assistant),
  onStream("thinking", Thinking),
  onStream("tool", Tool),
  onStream("error", Type.Object({ reason: Text, expected: Type.Optional(Count), received: Type.Optional(Count) })),
]);
export type AgentEventPayload = Static<typeof AgentEventPayload>;

export const agentEvents = {
  agent: defineEvent({ name: "agent", payload: AgentEventPayload, audience: "operator.read" }),
};

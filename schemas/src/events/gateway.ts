import { Type } from "@sinclair/typebox";
import { ConnectChallenge } from "../connect.ts";
import { defineEvent } from "../descriptor.ts";
import { HealthSnapshot } from "../health.ts";
import { PresenceEntry } from "../hello.ts";
import { Count, EpochMs, Text } from "../shapes.ts";

/** The gateway's own news (wire protocol section 6; audiences: section 0, "Event scope"). */
export const gatewayEvents = {
  /** The first frame of every connection, before anything is authenticated; it carries no `seq`. */
  "connect.challenge": defineEvent({ name: "connect.challenge", payload: ConnectChallenge, audience: "all" }),
  /** Every `policy.tickIntervalMs`: the sign of life. */
  tick: defineEvent({ name: "tick", payload: Type.Object({ ts: EpochMs }), audience: "all", droppable: true }),
  presence: defineEvent({
    name: "presence",
    payload: Type.Object({ presence: Type.Array(PresenceEntry) }),
    audience: "any-operator",
    droppable: true,
    versioned: true,
  }),
  health: defineEvent({ name: "health", payload: HealthSnapshot, audience: "any-operator", versioned: true }),
  /** Sent before the sockets close with 1012; `restartExpectedMs` is null when no restart is expected. */
  shutdown: defineEvent({
    name: "shutdown",
    payload: Type.Object({ reason: Text, restartExpectedMs: Type.Union([Count, Type.Null()]) }),
    audience: "all",
  }),
};

import { createLanes } from "../agent/lanes.ts";
import type { Clock } from "../base/clock.ts";
import { createEchoGuard } from "./policy/echo-guard.ts";
import { parsePolicy } from "./policy/policy.ts";
import type { InboxTurnParts } from "./turn/turn-inbox.ts";

/** What turns ask for besides store, inbox, outbox, plan and runtimes. */
type Surroundings = Omit<
  InboxTurnParts,
  "clock" | "ids" | "log" | "store" | "sessions" | "runtimes" | "inbox" | "outbox" | "plan"
>;

/** Surroundings of turns in which everybody is heard, each in a session of their own, and nothing is fetched or shown. */
export function plainSurroundings(clock: Clock, channel: string): Surroundings {
  const open = { dmPolicy: "open", groupPolicy: "open", requireMention: false };
  return {
    sink: { publish: () => undefined },
    lanes: createLanes(),
    settings: () => ({ timeoutMs: 0 }),
    resetSession: async () => undefined,
    onStuck: () => undefined,
    rules: () => ({
      policy: parsePolicy(open, `channels.${channel}.allowFrom`),
      routing: { agentId: "main", mainKey: "main", scope: "per-sender", mainFor: [], bindings: [] },
    }),
    echo: createEchoGuard(clock),
    isOurs: () => false,
    pairing: {
      isPaired: () => false,
      request: async () => ({ reason: "no" }),
      approve: () => Promise.reject(new Error("no")),
    },
    fetchMedia: () => Promise.reject(new Error("no media in this test")),
    typing: async () => undefined,
  };
}

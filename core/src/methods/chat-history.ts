import type { EventSink } from "../base/event-sink.ts";
import { invalidRequest } from "../base/wire-error.ts";
import { type Agents, keyDefaults } from "../sessions/agents.ts";
import type { SessionChanges } from "../sessions/changes.ts";
import { agentOf, canonicalKey } from "../sessions/key.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { HandlersFor } from "./handler.ts";

export interface ChatHistoryParts {
  readonly sessions: Sessions;
  readonly changes: SessionChanges;
  readonly events: EventSink;
  /** The agents of the current configuration. */
  readonly agents: () => Agents;
}

/** Messages of one page when the caller names no number. Source: wire protocol section 5.3. */
const DEFAULT_LIMIT = 200;

/** Reading a transcript and adding to it without a run (wire protocol sections 4.4 and 5.3). */
export function chatHistoryMethods(parts: ChatHistoryParts): HandlersFor<"chat.history" | "chat.inject"> {
  const { sessions, changes, events } = parts;
  return {
    "chat.history": async ({ sessionKey, limit }) => {
      const key = canonicalKey(sessionKey, keyDefaults(parts.agents()));
      const entry = sessions.get(key);
      if (entry === undefined) return { sessionKey, messages: [] };
      const { sessionId, thinkingLevel, verboseLevel } = entry;
      return {
        sessionKey,
        sessionId,
        messages: await sessions.shown(key, limit ?? DEFAULT_LIMIT),
        ...(thinkingLevel === undefined ? {} : { thinkingLevel }),
        ...(verboseLevel === undefined ? {} : { verboseLevel }),
      };
    },
    "chat.inject": async ({ sessionKey, message: text, label }) => {
      const key = canonicalKey(sessionKey, keyDefaults(parts.agents()));
      const injected = await changes.inject(key, label === undefined || label === "" ? text : `[${label}]\n\n${text}`);
      if (injected === undefined) throw invalidRequest("session not found");
      const { messageId, message, entry } = injected;
      const runId = `inject-${messageId}`;
      const { sessionId } = entry;
      const agentId = agentOf(key);
      events.publish("chat", { runId, sessionKey: key, seq: 0, state: "final", message, agentId, sessionId });
      return { ok: true, messageId };
    },
  };
}

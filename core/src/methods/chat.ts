import type { ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { Caller } from "../auth/caller.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { Turns } from "../channels/turn/turn.ts";
import type { DoorRequest, Started } from "../channels/turn/turn-request.ts";
import { commandInText } from "../channels/policy/host-command.ts";
import { type AgentSession, resolveChatSession, type SessionParts } from "./agent-session.ts";
import { lastTarget } from "./agent-target.ts";
import { type AttachmentParts, storeAttachments } from "./attachments.ts";
import { cleanText, isStopWord } from "./chat-text.ts";
import { doorRequest } from "./door-request.ts";
import type { HandlersFor } from "./handler.ts";

/** What the `chat` family works with. */
export interface ChatMethodParts extends SessionParts, AttachmentParts {
  readonly turns: Pick<Turns, "start" | "stop">;
}

/** Talking with an agent in a session (wire protocol sections 4.1, 4.4 and 5.3). */
export function chatMethods(parts: ChatMethodParts): HandlersFor<"chat.send" | "chat.abort"> {
  return {
    "chat.send": async (params, { caller }) => {
      const text = cleanText(params.message);
      const session = resolveChatSession(parts, params.sessionKey);
      // Before anything else: it must work while the session is busy, and it is no message.
      if (isStopWord(text)) return stop(parts, session, { reason: "stop" });
      const attachments = params.attachments ?? [];
      if (text.trim() === "" && attachments.length === 0) throw invalidRequest("message or attachment required");
      const media = await storeAttachments(parts, attachments);
      if (text.trim() === "" && media.length === 0)
        throw invalidRequest("message or attachment required: only images are taken");
      return answerTo(await parts.turns.start(requestOf(parts, { params, caller, session, text, media })));
    },
    "chat.abort": ({ sessionKey, runId }) => {
      const session = resolveChatSession(parts, sessionKey);
      return stop(parts, session, { reason: "rpc", ...(runId === undefined ? {} : { runId }) });
    },
  };
}

/** The one way in which chat methods stop runs. */
function stop(
  { turns }: ChatMethodParts,
  session: AgentSession,
  options: Parameters<Turns["stop"]>[1],
): ResultOf<"chat.abort"> {
  const { aborted, runIds } = turns.stop(session.key, options);
  return { ok: true, aborted, runIds: [...runIds] };
}

/** A message on its way to the door. */
interface Said extends Pick<DoorRequest["request"], "text" | "media"> {
  readonly params: ParamsOf<"chat.send">;
  readonly caller: Caller;
  readonly session: AgentSession;
}

/** Unlike `agent`, it never fails for a missing destination: the chat itself is one. */
function requestOf(parts: ChatMethodParts, { params, caller, session, text, media }: Said): DoorRequest {
  // A chat that nobody wrote to from a channel is answered in its transcript alone.
  const target = params.deliver === true ? lastTarget(parts.sessions.get(session.key)) : undefined;
  const request = {
    text,
    media,
    ...commandOf(text, media.length),
    ...(target === undefined ? {} : { target, bestEffort: true }),
    ...(params.timeoutMs === undefined ? {} : { timeoutMs: params.timeoutMs }),
  };
  return doorRequest({ door: "chat.send", params, caller, session, request });
}

/** Codes are approved by operators with the scope for it, not in a chat; `/stop` never comes here. */
function commandOf(text: string, files: number): Pick<DoorRequest["request"], "command"> {
  const command = files > 0 ? undefined : commandInText(text);
  return command === undefined || command.name === "approve" ? {} : { command };
}

/** The answer does not wait for the run; a repeat learns how it stands (wire protocol section 4.1). */
function answerTo(started: Started): ResultOf<"chat.send"> {
  const { runId } = started.run;
  switch (started.status) {
    case "started":
    case "in_flight":
      return { runId, status: started.status };
    case "closed": {
      const { outcome } = started;
      return outcome.state === "failed" ? { runId, status: "error", summary: outcome.error } : { runId, status: "ok" };
    }
  }
}

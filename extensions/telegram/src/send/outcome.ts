import { type Peer, SendError, isSendError } from "openclaw-host-sdk";
import { type Failure, classify } from "../failure.ts";

/** What the error mapping must know of the call that failed. */
export interface Attempt {
  readonly to: Peer;
  /** True when doing it twice changes nothing (edit, delete, react): then a lost answer is simply tried again. */
  readonly repeatable: boolean;
}

/** Refusals that mean the whole conversation is closed to the bot, not just this message. */
const PEER_REFUSED =
  /chat not found|user not found|PEER_ID_INVALID|CHAT_WRITE_FORBIDDEN|not enough rights|have no rights|CHAT_ADMIN_REQUIRED|group chat was deactivated|TOPIC_CLOSED|message thread not found/i;

/** Says what became of a message whose call failed. */
export function toSendError(error: unknown, attempt: Attempt): SendError {
  if (isSendError(error)) return error;
  const failure = classify(error);
  return failure.kind === "answer" ? refused(failure, attempt) : unanswered(failure, attempt);
}

type Answer = Extract<Failure, { kind: "answer" }>;

/** Telegram gave a verdict, so nothing is unknown but what a server error leaves open. */
function refused(failure: Answer, attempt: Attempt): SendError {
  const { status, description, retryAfterMs, movedTo } = failure;
  const text = `Telegram answered ${status}: ${description}`;
  if (movedTo !== undefined) {
    return new SendError(`${text}; the group became a supergroup`, {
      fate: "not-sent",
      scope: "peer",
      movedTo: { ...attempt.to, id: movedTo },
    });
  }
  switch (status) {
    case 401:
    case 404:
      return new SendError(`${text}; check channels.telegram.botToken`, { fate: "not-sent", scope: "account" });
    case 403:
      return new SendError(`${text}; the bot was blocked or removed there`, { fate: "rejected", scope: "peer" });
    case 429:
      // Telegram does not say which of its limits was hit. The limit per chat is by far the tighter one
      // (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this), so other chats go on.
      return new SendError(text, {
        fate: "not-sent",
        scope: "peer",
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    default:
      if (status >= 500) return ambiguous(text, attempt);
      return new SendError(text, { fate: "rejected", scope: PEER_REFUSED.test(description) ? "peer" : "message" });
  }
}

/** No verdict: what counts is whether the request can have reached Telegram. */
function unanswered(failure: Exclude<Failure, { kind: "answer" }>, attempt: Attempt): SendError {
  switch (failure.kind) {
    case "unreachable":
      return new SendError(failure.description, { fate: "not-sent", scope: "account" });
    case "foreign":
      // A proxy that refuses a request has not passed it on; one that fails may have.
      if (failure.status === 413)
        return new SendError("the upload is too large for the server", { fate: "rejected", scope: "message" });
      if (failure.status >= 400 && failure.status < 500) {
        return new SendError(`${failure.description}; check channels.telegram.apiRoot`, {
          fate: "not-sent",
          scope: "account",
        });
      }
      return ambiguous(failure.description, attempt);
    case "lost":
      return ambiguous(failure.description, attempt);
  }
}

/**
 * The request was written and no verdict came: Telegram may or may not have posted the message, and the Bot API offers no
 * key to ask with. A server error (5xx) is no better than silence, since it can follow the posting.
 */
const ambiguous = (text: string, attempt: Attempt): SendError =>
  attempt.repeatable
    ? new SendError(`${text}; doing it again is harmless`, { fate: "not-sent", scope: "peer" })
    : new SendError(`${text}; it may have been posted`, { fate: "unknown", scope: "message" });

/** Something this channel does not do, told before anything is sent. */
export const cannot = (what: string): SendError => new SendError(what, { fate: "rejected", scope: "message" });

import type { KeptSummary } from "openclaw-host-schemas";
import { type WireError, invalidRequest } from "../base/wire-error.ts";
import type { KeptMessage, KeptMessages } from "../channels/inbox/kept-messages.ts";
import type { HandlersFor } from "./handler.ts";

export interface InboxMethodParts {
  readonly kept: KeptMessages;
}

type Family = "inbox.list" | "inbox.get" | "inbox.retry" | "inbox.drop";

const PAGE = 50;
const LIST_CHARS = 200;

function summaryOf(message: KeptMessage, maxChars = Infinity): KeptSummary {
  const { id, channel, account, event, state, reason, attempts, receivedAt, changedAt } = message;
  const { from, peer } = event;
  const body = event.type === "message" ? event.body : {};
  return {
    id,
    channel,
    accountId: account,
    eventId: event.eventId,
    from: { id: from.id, ...(from.name === undefined ? {} : { name: from.name }) },
    to: { kind: peer.kind, id: peer.id, ...(peer.threadId === undefined ? {} : { threadId: peer.threadId }) },
    text: (body.text ?? "").slice(0, maxChars).toWellFormed(),
    files: body.media?.length ?? 0,
    state,
    reason,
    attempts,
    receivedAt,
    changedAt,
  };
}

const notKept = (id: number): WireError =>
  invalidRequest(`message ${id} is neither parked nor refused; see: openclaw inbox list`);

function decided(id: number, events: number | undefined): { id: number; events: number } {
  if (events === undefined || events === 0) throw notKept(id);
  return { id, events };
}

/** Messages that came in and were kept from running, for their owner: look, take up again, leave. */
export function inboxMethods({ kept }: InboxMethodParts): HandlersFor<Family> {
  return {
    async "inbox.list"({ state = "parked", channel, accountId, limit = PAGE, cursor }) {
      const filter = {
        state,
        ...(channel === undefined ? {} : { channel }),
        ...(accountId === undefined ? {} : { account: accountId }),
      };
      const { messages, more } = await kept.list({
        filter,
        limit,
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      const last = messages.at(-1);
      return {
        messages: messages.map((message) => summaryOf(message, LIST_CHARS)),
        ...(more && last !== undefined ? { nextCursor: last.id } : {}),
      };
    },
    async "inbox.get"({ id }) {
      const message = await kept.get(id);
      if (message === undefined) throw notKept(id);
      return { message: summaryOf(message) };
    },
    "inbox.retry": async ({ id }) => decided(id, await kept.retry(id)),
    "inbox.drop": async ({ id }) => decided(id, await kept.drop(id)),
  };
}

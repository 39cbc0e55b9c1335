import type { Closed } from "openclaw-host-sdk";
import { signalOf } from "./api.ts";
import { within } from "./deadline.ts";
import type { Failure } from "./failure.ts";
import type { Poller } from "./poller.ts";

/** What a failed poll means: something that passes and is retried, or the end of this connection. */
export type Trouble =
  | {
      readonly kind: "passing";
      readonly detail: string;
      readonly fix?: string;
      /** Milliseconds; without it the poller's own back-off applies. */
      readonly waitMs?: number;
    }
  | { readonly kind: "final"; readonly closed: Closed };

/** The token is wrong: nothing but a new configuration helps. */
export const unauthorized = (status: number): Closed => ({
  retry: "never",
  code: "unauthorized",
  detail: `Telegram refuses the bot token (${status})`,
  fix: "Set channels.telegram.botToken to the token that @BotFather shows for this bot (/token)",
  loggedOut: true,
});

/** Explains a failed poll. A webhook that stands in the way is removed, keeping the updates it has not delivered. */
export async function diagnose(failure: Failure, poller: Poller): Promise<Trouble> {
  if (failure.kind !== "answer") return passing(failure);
  switch (failure.status) {
    case 401:
    case 404:
      return { kind: "final", closed: unauthorized(failure.status) };
    case 409:
      return /webhook/i.test(failure.description) ? removeWebhook(poller) : otherPoller;
    case 429:
      return {
        kind: "passing",
        detail: "Telegram asks to slow down (429)",
        ...(failure.retryAfterMs === undefined ? {} : { waitMs: failure.retryAfterMs }),
      };
    default:
      return { kind: "passing", detail: `the Bot API server answered ${failure.status}: ${failure.description}` };
  }
}

/** No verdict from Telegram: the network, a proxy or a wrong address. */
const passing = (failure: Exclude<Failure, { kind: "answer" }>): Trouble => ({
  kind: "passing",
  detail: failure.description,
  ...(failure.kind === "lost" ? {} : { fix: "Check channels.telegram.apiRoot and this machine's network" }),
});

// Only one program may poll a bot; the newer poll ends the older one, so two of them take turns being refused.
const otherPoller: Trouble = {
  kind: "passing",
  detail: "another program is polling this bot (409); messages may go there instead",
  fix: "Stop the other program that uses this bot token, or make a new token with @BotFather (/revoke)",
};

/** Deadline of the call, ms. */
const REMOVE_WEBHOOK_MS = 10_000;

/** While a webhook is set, Telegram refuses to be polled. The owner chose polling by configuring this channel. */
async function removeWebhook({ api, ctx, signal }: Poller): Promise<Trouble> {
  ctx.log.warn("a webhook is set on this bot; removing it so that polling works, undelivered updates are kept");
  const stuck: Trouble = {
    kind: "passing",
    detail: "a webhook is set on this bot and could not be removed",
    fix: "Call deleteWebhook for this bot, or stop the program that sets it",
  };
  try {
    const answer = await within({ clock: ctx.clock, ms: REMOVE_WEBHOOK_MS, signal }, (cut) =>
      api.deleteWebhook({ drop_pending_updates: false }, signalOf(cut)),
    );
    return answer.late ? stuck : { kind: "passing", detail: "a webhook was set on this bot and has been removed" };
  } catch {
    return stuck;
  }
}

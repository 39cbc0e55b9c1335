import { createHash } from "node:crypto";
import type { ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { MediaRef } from "openclaw-host-sdk";
import { type DeliveryId, deliveryId } from "../base/brand.ts";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { Channels } from "../channels/channels.ts";
import type { DeliveryOutcome } from "../channels/outbox/outbox.ts";
import { retryCommand } from "../channels/outbox/parked.ts";
import type { HandlersFor } from "./handler.ts";

export interface SendParts {
  readonly channels: Pick<Channels, "accounts" | "registry" | "outbox" | "ledger" | "plan" | "parseTarget">;
  /** Downloads a file into the media store, within the guard that holds for URLs from outside. */
  readonly importMedia: (url: string) => Promise<MediaRef>;
}

/** How long a request waits for the platform's receipt, ms (design, "A `send` request"). */
export const RECEIPT_WAIT_MS = 15_000;

/** The client's own chat, which is no channel. */
const WEBCHAT = "webchat";

/** Source of the sentences: wire protocol section 5.3. */
function channelOf(parts: SendParts, params: ParamsOf<"send">): string {
  const asked = params.channel?.trim().toLowerCase();
  if (asked === WEBCHAT) {
    throw invalidRequest(
      "unsupported channel: webchat (internal-only). Use `chat.send` for WebChat UI messages or choose a deliverable channel.",
    );
  }
  const configured = parts.channels.accounts.channels();
  if (asked !== undefined && asked !== "") {
    if (configured.includes(asked) || parts.channels.registry.get(asked) !== undefined) return asked;
    throw invalidRequest(`unsupported channel: ${asked}`);
  }
  const [only, ...others] = configured;
  if (only === undefined) throw invalidRequest("Error: Channel is required (no configured channels detected).");
  if (others.length === 0) return only;
  throw invalidRequest(`Error: Channel is required when multiple channels are configured: ${configured.join(", ")}`);
}

/** The same request of the same device finds the delivery it began, after a restart too. */
function deliveryOf(identity: string, key: string): DeliveryId {
  return deliveryId(
    createHash("sha256")
      .update(JSON.stringify(["send", identity, key]))
      .digest("base64url"),
  );
}

/** None of them is kept under the request's key: the owner may send again what is dead or parked, and a repeat is told that. */
function refusal(outcome: DeliveryOutcome): WireError {
  const details = { deliveryId: outcome.deliveryId, state: outcome.state };
  const reason = outcome.reason === undefined ? "" : `: ${outcome.reason}`;
  switch (outcome.state) {
    case "dead":
      return new WireError("UNAVAILABLE", `the message was not sent${reason}`, {
        details,
        retryable: false,
        passing: true,
      });
    case "unknown": {
      const how = outcome.final ? ` with: ${retryCommand(outcome.deliveryId)}` : "";
      const text = `it is not known whether the message was sent${reason}; look before you send it again${how}`;
      return new WireError("UNAVAILABLE", text, { details, retryable: !outcome.final, passing: true });
    }
    case "queued":
    case "sending":
    case "retry":
    case "sent":
      return new WireError(
        "UNAVAILABLE",
        `the message is stored and not sent yet${reason}; repeat the request to wait for it`,
        {
          details,
          retryable: true,
        },
      );
  }
}

function receiptOf(outcome: DeliveryOutcome, params: ParamsOf<"send">, channel: string): ResultOf<"send"> {
  const receipt = outcome.receipts.at(-1);
  const messageId = receipt?.ids.at(-1);
  if (!outcome.final || outcome.state !== "sent" || receipt === undefined || messageId === undefined)
    throw refusal(outcome);
  return { runId: params.idempotencyKey, messageId, channel, chatId: receipt.peer.id };
}

function mediaUrls({ mediaUrl = "", mediaUrls = [] }: ParamsOf<"send">): string[] {
  return [...new Set([mediaUrl, ...mediaUrls])].filter((url) => url.trim() !== "");
}

async function enqueue(
  parts: SendParts,
  params: ParamsOf<"send">,
  work: { channel: string; id: DeliveryId },
): Promise<void> {
  const { plan, outbox, parseTarget } = parts.channels;
  const { to, accountId: account, threadId, message: text = "" } = params;
  const target = await parseTarget({
    channel: work.channel,
    to,
    ...(account === undefined ? {} : { account }),
    ...(threadId === undefined ? {} : { threadId }),
  });
  const media = await Promise.all(mediaUrls(params).map((url) => parts.importMedia(url)));
  const intents = await plan(target, { text, format: "markdown", media }, { deliveryId: work.id });
  await outbox.enqueue(intents);
}

async function send(parts: SendParts, params: ParamsOf<"send">, identity: string): Promise<ResultOf<"send">> {
  const { outbox, ledger } = parts.channels;
  if ((params.message ?? "").trim() === "" && mediaUrls(params).length === 0) {
    throw invalidRequest("invalid send params: text or media is required");
  }
  const channel = channelOf(parts, params);
  const id = deliveryOf(identity, params.idempotencyKey);
  // Planned again, the same message might be cut into more parts than are stored.
  if ((await ledger.delivery(id)) === undefined) await enqueue(parts, params, { channel, id });
  return receiptOf(await outbox.settled(id, RECEIPT_WAIT_MS), params, channel);
}

/** `send`: a message without an agent. */
export function sendMethods(parts: SendParts): HandlersFor<"send"> {
  return { send: (params, { caller }) => send(parts, params, caller.identity) };
}

import type { Body, Call, Capabilities, MediaRef, Outbound, Part, PendingMedia } from "openclaw-host-sdk";
import type { DeliveryId, RunId } from "../../base/brand.ts";
import type { Clock } from "../../base/clock.ts";
import { type WireError, invalidRequest } from "../../base/wire-error.ts";
import type { Logger } from "../../base/log.ts";
import type { ChannelPort } from "../../host/channel-port.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import type { GuestCalls } from "../guest-call.ts";
import { prefixEnd } from "./measure.ts";
import { splitText } from "./render.ts";
import { type DeliveryTarget, laneKey } from "../policy/route.ts";

type PartContent = Omit<Part, "index" | "of">;

export interface PlanIds {
  readonly deliveryId: DeliveryId;
  readonly runId?: RunId;
}

/** Turns a message into outbox rows, one per platform call. A message that says nothing gives none. */
export type Plan = (target: DeliveryTarget, body: Body, ids: PlanIds) => Promise<OutboxIntent[]>;

export interface OutboundParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly calls: GuestCalls;
  /** Throws `WireError` when no extension provides the channel. */
  readonly port: (channel: string) => ChannelPort;
  /** Throws `WireError` when the account is unknown or cannot be asked. */
  readonly capabilities: (target: Pick<DeliveryTarget, "channel" | "account">) => Promise<Capabilities>;
}

/** How long a channel may take to split a message itself, ms; then the host splits it. */
const RENDER_DEADLINE_MS = 10_000;
/** Nobody reads a message of more parts, and a channel that declares such a limit is mistaken. */
const MAX_PARTS = 1_000;

const isFetched = (media: MediaRef | PendingMedia): media is MediaRef => "ref" in media;

/** Why a channel cannot take a file, or undefined. */
function refusal(media: MediaRef, capabilities: Capabilities): string | undefined {
  const limits = capabilities.media;
  if (limits === undefined || !limits.out.includes(media.kind)) return `this channel takes no ${media.kind}`;
  if (media.bytes > limits.maxBytes) return `it is larger than ${limits.maxBytes} bytes`;
  return undefined;
}

function fits(text: string, limit: number, unit: Capabilities["text"]["unit"]): boolean {
  return prefixEnd(text, limit, unit) === text.length;
}

/**
 * Splits a message by what the channel declared. The first file carries the text as its caption when it fits; a longer text
 * follows the files. A file the channel cannot take is named in the text instead of being lost in silence.
 */
export function splitBody(body: Body, capabilities: Capabilities): PartContent[] {
  const { limit, captionLimit, unit } = capabilities.text;
  const files = (body.media ?? []).filter(isFetched);
  const sendable = files.filter((file) => refusal(file, capabilities) === undefined);
  const notes = files
    .filter((file) => refusal(file, capabilities) !== undefined)
    .map((file) => `[${file.name ?? file.kind} was not sent: ${refusal(file, capabilities)}]`);
  const text = [body.text ?? "", ...notes].filter((piece) => piece.trim() !== "").join("\n\n");
  const captioned = sendable.length > 0 && text !== "" && fits(text, captionLimit ?? 0, unit);
  const media = sendable.map((file, index) => ({ media: [file], ...(captioned && index === 0 ? { text } : {}) }));
  if (captioned) return media;
  return [...media, ...splitText(text, { limit, unit }).map((chunk) => ({ text: chunk }))];
}

function isContent(part: unknown): part is PartContent {
  if (typeof part !== "object" || part === null) return false;
  const { text, media }: { text?: unknown; media?: unknown } = part;
  return (text === undefined || typeof text === "string") && (media === undefined || Array.isArray(media));
}

/** Asks the channel to split the message; undefined when it does not, fails, or answers nonsense. */
async function renderByChannel(
  parts: OutboundParts,
  port: ChannelPort,
  outbound: Outbound,
): Promise<PartContent[] | undefined> {
  if (port.render === undefined) return undefined;
  const render = (call: Call) => port.render?.(outbound, call) ?? Promise.resolve([]);
  try {
    const rendered = await parts.calls.run({ what: `render of ${port.id}`, ms: RENDER_DEADLINE_MS }, render);
    if (rendered.length > 0 && rendered.length <= MAX_PARTS && rendered.every(isContent)) return rendered;
    parts.log.warn("a channel split a message into no valid parts; the host split it", { channel: port.id });
  } catch (error) {
    parts.log.warn("a channel failed to split a message; the host split it", {
      channel: port.id,
      error: String(error),
    });
  }
  return undefined;
}

const tooManyParts = (port: ChannelPort, count: number): WireError =>
  invalidRequest(
    `${port.label} would take this message in ${count} parts, and ${MAX_PARTS} are the most: send a shorter one, or send it as a file`,
  );

function isBlank(body: Body): boolean {
  return (body.text ?? "").trim() === "" && (body.media ?? []).length === 0;
}

export function createPlan(parts: OutboundParts): Plan {
  return async (target, body, ids) => {
    if (isBlank(body)) return [];
    const port = parts.port(target.channel);
    const replyTo = target.replyTo === undefined ? {} : { replyTo: target.replyTo };
    const outbound: Outbound = { type: "message", to: target.peer, body, ...replyTo };
    const contents =
      (await renderByChannel(parts, port, outbound)) ?? splitBody(body, await parts.capabilities(target));
    const { channel, account } = target;
    if (contents.length > MAX_PARTS) throw tooManyParts(port, contents.length);
    return contents.map((content, index) => ({
      deliveryId: ids.deliveryId,
      ...(ids.runId === undefined ? {} : { runId: ids.runId }),
      channel,
      account,
      lane: laneKey(channel, account, target.peer),
      outbound,
      part: { ...content, index, of: contents.length },
      at: parts.clock.now(),
    }));
  };
}

import type { Body, MediaRef, Outbound, Part } from "openclaw-host-sdk";
import { cannot } from "../send/outcome.ts";
import { albumsOf, takesCaption } from "./albums.ts";
import type { Marked, Native } from "./entities.ts";
import { fromMarkdown } from "./markdown.ts";
import { splitMarked } from "./split.ts";

/** Limits after formatting, UTF-16 code units: https://core.telegram.org/bots/api#sendmessage and #sendphoto */
export const TEXT_LIMIT = 4_096;
export const CAPTION_LIMIT = 1_024;

/** A part before the host numbers it. */
type NewPart = Omit<Part, "index" | "of">;

/**
 * Splits what is to be sent into Telegram calls. Text that fits goes under the first file as its caption; longer text
 * follows the files. A message without text and files has no parts.
 */
export function renderOutbound(outbound: Outbound): NewPart[] {
  switch (outbound.type) {
    case "message":
      return renderBody(outbound.body);
    case "edit":
      return splitMarked(markBody(outbound.body), TEXT_LIMIT).map(textPart);
    case "delete":
    case "reaction":
    case "poll":
    case "thread":
      return [{}];
  }
}

/** Files first, in albums; the text as caption or behind them. */
function renderBody(body: Body): NewPart[] {
  const marked = markBody(body);
  const albums = albumsOf((body.media ?? []).map(fetched));
  const [first, ...others] = albums;
  if (first === undefined) return splitMarked(marked, TEXT_LIMIT).map(textPart);
  if (marked.text.length <= CAPTION_LIMIT && takesCaption(first) && marked.text.trim() !== "") {
    return [{ ...textPart(marked), media: first }, ...others.map((media) => ({ media }))];
  }
  return [...albums.map((media) => ({ media })), ...splitMarked(marked, TEXT_LIMIT).map(textPart)];
}

/** A lone surrogate would make Telegram refuse the whole message. */
function markBody(body: Body): Marked {
  const text = (body.text ?? "").toWellFormed();
  return body.format === "markdown" ? fromMarkdown(text) : { text, entities: [] };
}

function textPart({ text, entities }: Marked): NewPart {
  const native: Native = { entities };
  return entities.length === 0 ? { text } : { text, native };
}

/** What is sent must be in the host's store. */
function fetched(media: NonNullable<Body["media"]>[number]): MediaRef {
  if ("ref" in media) return media;
  throw cannot("an attachment that is still pending cannot be sent; fetch it first");
}

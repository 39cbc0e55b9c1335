import type { TranscriptMessage } from "openclaw-host-schemas";
import type { MediaRef } from "openclaw-host-sdk";
import type { RunOutcome } from "../store/tables/run-record.ts";
import { answerText } from "./answer.ts";

/** What somebody said to an agent, at epoch ms. */
export interface Saying {
  readonly text: string;
  readonly media: readonly MediaRef[];
  readonly at: number;
  /** Who said it, when it came in over a channel. */
  readonly sender?: { readonly id: string; readonly name?: string };
}

/** Images are content; media of every kind is also listed whole under `media`, which is what `mediaOf` reads. */
function contentOf(text: string, media: readonly MediaRef[]): TranscriptMessage["content"] {
  const images = media
    .filter((item) => item.kind === "image")
    .map((item) => ({ type: "image" as const, mimeType: item.mime, ref: item.ref, bytes: item.bytes }));
  return text === "" && images.length > 0 ? images : [{ type: "text", text }, ...images];
}

/** Absent rather than empty: most messages have none, and every one is stored as JSON. */
const withMedia = (media: readonly MediaRef[]) => (media.length === 0 ? {} : { media });

/** A question as the transcript keeps it. */
export function userMessage({ text, media, at, sender }: Saying): TranscriptMessage {
  return {
    role: "user",
    content: contentOf(text, media),
    timestamp: at,
    ...withMedia(media),
    ...(sender === undefined ? {} : { sender }),
  };
}

/** What the transcript keeps of a run; undefined when the agent chose to say nothing. */
export function assistantMessage(outcome: RunOutcome): TranscriptMessage | undefined {
  const { media, usage } = outcome;
  const text = answerText(outcome.text);
  if (outcome.state !== "failed" && text === "" && media.length === 0) return undefined;
  const counts = usage === undefined ? {} : { usage: { ...usage, total: usage.input + usage.output } };
  const message = {
    role: "assistant" as const,
    content: contentOf(text, media),
    timestamp: outcome.endedAt,
    ...counts,
    ...withMedia(media),
  };
  switch (outcome.state) {
    case "done":
      return { ...message, stopReason: "stop" };
    case "aborted":
      return { ...message, stopReason: "aborted" };
    case "failed":
      return { ...message, stopReason: "error", errorMessage: outcome.error };
  }
}

/** All text of a message, blocks joined by line ends. */
export function textOf({ content }: TranscriptMessage): string {
  if (typeof content === "string") return content;
  return content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n");
}

/** A transcript may hold what an older gateway or another program wrote. */
const isMediaRef = (value: unknown): value is MediaRef =>
  typeof value === "object" &&
  value !== null &&
  "ref" in value &&
  "kind" in value &&
  "mime" in value &&
  "bytes" in value;

/** The media that came with a message. */
export function mediaOf(message: TranscriptMessage): readonly MediaRef[] {
  const { media } = message;
  return Array.isArray(media) ? media.filter(isMediaRef) : [];
}

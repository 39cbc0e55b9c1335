import type { AgentEvent } from "openclaw-host-sdk";
import type { AgentRuntime } from "./runtime.ts";
import { mediaOf, textOf } from "./transcript-message.ts";

/** Deltas of one answer at most; every delta carries the whole text so far on the wire. */
const MAX_DELTAS = 8;

/**
 * The embedded default, which needs no model: it answers `echo: <text>` with the text of the newest user message, in several
 * deltas, and sends that message's media back. A message without text is answered by its media alone. It has no delays.
 */
export const echoRuntime: AgentRuntime = {
  id: "echo",
  async *turn({ messages }, call): AsyncGenerator<AgentEvent> {
    const last = messages.findLast((message) => message.role === "user");
    const text = last === undefined ? "" : textOf(last);
    for (const delta of text === "" ? [] : deltas(`echo: ${text}`)) {
      if (call.signal.aborted) return yield { t: "done", reason: "abort" };
      yield { t: "text", delta };
    }
    for (const m of last === undefined ? [] : mediaOf(last)) yield { t: "media", m };
    yield { t: "done", reason: "end" };
  },
};

/** Cuts a text behind its blanks into at most `MAX_DELTAS` pieces of similar word count. */
function deltas(text: string): string[] {
  const words = text.match(/(?:^\s+)?\S+\s*/gu) ?? [text];
  const size = Math.ceil(words.length / MAX_DELTAS);
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += size) pieces.push(words.slice(at, at + size).join(""));
  return pieces;
}

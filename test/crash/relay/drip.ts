import { type AgentEvent, type AgentTurn, Type, defineAgent } from "openclaw-host-sdk";

/** Between two words, ms: an answer takes longer than the second after which it is shown while it is written. */
const WORD_MS = 170;

function newestText({ messages }: AgentTurn): string {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string" ? content : content.map((block) => ("text" in block ? block.text : "")).join("");
}

/** Repeats what it was told, word by word. */
export const drip = defineAgent({
  id: "drip",
  config: Type.Object({}),
  resumable: false,
  async *turn(turn, { call, clock }): AsyncGenerator<AgentEvent> {
    yield { t: "text", delta: "In so many words:" };
    for (const delta of newestText(turn).match(/\s*\S+/gu) ?? []) {
      if (call.signal.aborted) return yield { t: "done", reason: "abort" };
      yield { t: "text", delta: ` ${delta.trim()}` };
      await clock.sleep(WORD_MS, call.signal).catch(() => {});
    }
    yield { t: "done", reason: "end" };
  },
});

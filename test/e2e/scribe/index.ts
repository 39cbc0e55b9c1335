import {
  type AgentEvent,
  type AgentTurn,
  type ExtensionDef,
  Type,
  defineAgent,
  defineExtension,
} from "openclaw-host-sdk";

/** Between two words, ms: forty of them take longer than an answer that nobody needs to see grow. */
const WORD_MS = 60;

function newestText({ messages }: AgentTurn): string {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string" ? content : content.map((block) => ("text" in block ? block.text : "")).join("");
}

/** Says what it was told, word by word, as a model does. */
const scribe = defineAgent({
  id: "scribe",
  config: Type.Object({}),
  resumable: false,
  async *turn(turn, { call, clock }): AsyncGenerator<AgentEvent> {
    for (const delta of newestText(turn).match(/\s*\S+/gu) ?? []) {
      if (call.signal.aborted) return yield { t: "done", reason: "abort" };
      yield { t: "text", delta };
      await clock.sleep(WORD_MS, call.signal).catch(() => {});
    }
    yield { t: "done", reason: "end" };
  },
});

const extension: ExtensionDef = defineExtension({ agents: [scribe] });

export default extension;

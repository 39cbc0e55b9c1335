import { type AgentEvent, type AgentTurn, Type, defineAgent, defineExtension } from "openclaw-host-sdk";

/** Whoever is answered `held` waits here until somebody says `go on`; `slow one` waits for its abort. */
const permits = { free: 0, waiting: [] as (() => void)[] };

function release(): void {
  const next = permits.waiting.shift();
  if (next === undefined) permits.free += 1;
  else next();
}

function permitted(): Promise<void> {
  if (permits.free === 0) return new Promise((resolve) => permits.waiting.push(resolve));
  permits.free -= 1;
  return Promise.resolve();
}

function newestText({ messages }: AgentTurn): string {
  return JSON.stringify(messages.findLast(({ role }) => role === "user")?.content ?? "");
}

async function* answer(text: string, signal: AbortSignal): AsyncGenerator<AgentEvent> {
  yield { t: "text", delta: "Hello" };
  if (text.includes("slow one")) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return yield { t: "done", reason: "abort" };
  }
  if (text.includes("hello")) await permitted();
  yield { t: "text", delta: " from mock" };
  yield { t: "usage", in: 10, out: 5 };
  yield { t: "done", reason: "end" };
}

/** Stands in for the model that answered when the frames were recorded, as fast or as slowly as a case needs. */
const model = defineAgent({
  id: "recorded-model",
  config: Type.Object({}),
  resumable: false,
  async *turn(turn, ctx) {
    const text = newestText(turn);
    if (text.includes("go on")) release();
    yield* answer(text, ctx.call.signal);
  },
});

export default defineExtension({ agents: [model] });

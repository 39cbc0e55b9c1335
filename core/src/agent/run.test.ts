import type { TranscriptMessage } from "openclaw-host-schemas";
import type { AgentEvent, Call } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import type { EventSink, PublishOptions } from "../base/event-sink.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { createRunControl, type StopReason } from "./run-control.ts";
import { createRunFeed } from "./run-feed.ts";
import { echoRuntime } from "./echo.ts";
import { executeRun, MAX_ANSWER_CHARS, MAX_ANSWER_MEDIA } from "./run.ts";
import type { AgentRuntime } from "./runtime.ts";
import { assistantMessage, mediaOf, textOf, userMessage } from "./transcript-message.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

interface Published {
  readonly event: string;
  readonly payload: Record<string, unknown>;
  readonly options: PublishOptions | undefined;
}

/** A run on a scripted runtime, with everything it published. */
function stage(
  runtime: AgentRuntime,
  options: { timeoutMs?: number; messages?: TranscriptMessage[]; toolResults?: boolean } = {},
) {
  const clock = createFakeClock();
  const published: Published[] = [];
  const sink: EventSink = {
    publish: (event, payload, more) => void published.push({ event, payload: { ...payload }, options: more }),
  };
  const control = createRunControl();
  const stuck: string[] = [];
  const toolAudience = new Set(["conn-1"]);
  const run = { runId: "run-1", sessionKey: "agent:main:main", sessionId: "s-1", agentId: "main" };
  const feed = createRunFeed({ clock, sink }, { run, toolAudience, toolResults: options.toolResults ?? false });
  const parts = { clock, ids: systemIds, log: silent, onStuck: (id: string) => void stuck.push(id) };
  const turn = { session: run.sessionKey, turnId: run.runId, messages: options.messages ?? [], tools: [] };
  const outcome = executeRun(parts, { runtime, turn, feed, control, timeoutMs: options.timeoutMs ?? 0 });
  const of = (event: string) => published.filter((item) => item.event === event).map((item) => item.payload);
  return { clock, control, feed, outcome, published, stuck, toolAudience, of };
}

const scripted = (turn: (call: Call) => AsyncIterable<AgentEvent>): AgentRuntime => ({
  id: "scripted",
  turn: (_turn, call) => turn(call),
});

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

describe("a run", () => {
  it("streams cumulative text with a sequence of its own and closes once, after its outcome is known", async () => {
    const { outcome, feed, of, clock } = stage(
      scripted(async function* () {
        yield { t: "text", delta: "Hel" };
        yield { t: "text", delta: "lo" };
        yield { t: "usage", in: 3, out: 2 };
        yield { t: "done", reason: "end" };
      }),
    );
    const result = await outcome;
    expect(result).toMatchObject({ state: "done", text: "Hello", usage: { input: 3, output: 2 } });
    expect(of("chat").map((chat) => chat["state"])).toEqual(["delta"]);
    feed.end(result);
    feed.end(result);
    await clock.advance(1_000);
    expect(of("agent").map(({ stream, data, seq }) => [stream, data, seq])).toEqual([
      ["lifecycle", { phase: "start", startedAt: result.startedAt }, 1],
      ["assistant", { text: "Hel", delta: "Hel" }, 2],
      ["assistant", { text: "Hello", delta: "lo" }, 3],
      ["lifecycle", { phase: "end", endedAt: result.endedAt }, 4],
    ]);
    expect(of("chat").at(-1)).toMatchObject({
      state: "final",
      seq: 4,
      stopReason: "stop",
      message: { role: "assistant", content: [{ type: "text", text: "Hello" }], timestamp: result.endedAt },
    });
    expect(of("chat")).toHaveLength(2);
  });

  it("publishes chat deltas at most every 150 ms, the last one with all text so far", async () => {
    const pace = createFakeClock();
    const runtime = scripted(async function* () {
      for (const delta of ["a", "b", "c", "d"]) {
        yield { t: "text", delta };
        await pace.sleep(60);
      }
      await pace.sleep(1_000);
      yield { t: "done", reason: "end" };
    });
    const { outcome, of, clock } = stage(runtime);
    for (let step = 0; step < 30; step += 1) {
      await pace.advance(10);
      await clock.advance(10);
    }
    const deltas = of("chat").map(({ deltaText, message }) => [deltaText, message]);
    expect(deltas).toMatchObject([
      ["a", { content: [{ text: "a" }] }],
      ["bc", { content: [{ text: "abc" }] }],
      ["d", { content: [{ text: "abcd" }] }],
    ]);
    const times = of("chat").map(({ message }) => (message as TranscriptMessage).timestamp);
    expect(times.slice(1).every((time, index) => time - (times[index] ?? 0) >= 150)).toBe(true);
    await pace.advance(2_000);
    await outcome;
  });

  it("shows nothing of an answer that is the silent token, not even its beginning", async () => {
    const { outcome, feed, of, clock } = stage(
      scripted(async function* () {
        yield { t: "text", delta: "NO" };
        yield { t: "text", delta: "_REPLY" };
        yield { t: "done", reason: "end" };
      }),
    );
    const result = await outcome;
    await clock.advance(1_000);
    feed.end(result);
    expect(of("chat")).toHaveLength(1);
    expect(of("chat")[0]).toMatchObject({ state: "final" });
    expect(of("chat")[0]).not.toHaveProperty("message");
    expect(assistantMessage(result)).toBeUndefined();
  });

  it("sends tool events only to the connections that asked for them, without results unless wanted", async () => {
    const turn = async function* (): AsyncGenerator<AgentEvent> {
      yield { t: "tool", id: "t1", name: "read", phase: "start", args: { path: "x" } };
      yield { t: "tool", id: "t1", name: "read", phase: "update", result: "half" };
      yield { t: "tool", id: "t1", name: "read", phase: "end", result: "whole" };
      yield { t: "done", reason: "end" };
    };
    const quiet = stage(scripted(turn));
    await quiet.outcome;
    const tools = quiet.published.filter(({ payload }) => payload["stream"] === "tool");
    expect(tools.map(({ payload }) => payload["data"])).toEqual([
      { phase: "start", name: "read", toolCallId: "t1", args: { path: "x" } },
      { phase: "update", name: "read", toolCallId: "t1" },
      { phase: "result", name: "read", toolCallId: "t1", isError: false },
    ]);
    expect(tools.every(({ options }) => options?.onlyTo?.has("conn-1") === true && options.onlyTo.size === 1)).toBe(
      true,
    );
    const verbose = stage(scripted(turn), { toolResults: true });
    await verbose.outcome;
    expect(
      verbose
        .of("agent")
        .filter(({ stream }) => stream === "tool")
        .at(-1)?.["data"],
    ).toMatchObject({ result: "whole" });
  });

  it("streams thinking apart from the answer", async () => {
    const { outcome, of } = stage(
      scripted(async function* () {
        yield { t: "thinking", delta: "hm" };
        yield { t: "thinking", delta: "m" };
        yield { t: "done", reason: "end" };
      }),
    );
    expect((await outcome).text).toBe("");
    expect(
      of("agent")
        .filter(({ stream }) => stream === "thinking")
        .map(({ data }) => data),
    ).toEqual([
      { text: "hm", delta: "hm" },
      { text: "hmm", delta: "m" },
    ]);
  });
});

describe("a run that is stopped", () => {
  const obedient = scripted(async function* (call) {
    yield { t: "text", delta: "part" };
    await aborted(call.signal);
    yield { t: "text", delta: " too late" };
    yield { t: "done", reason: "abort" };
  });

  it("ends as aborted with the text it had, and says why", async () => {
    for (const reason of ["rpc", "stop"] satisfies StopReason[]) {
      const { outcome, control, feed, of, clock } = stage(obedient);
      await clock.advance(0);
      control.stop(reason);
      const result = await outcome;
      expect(result).toMatchObject({ state: "aborted", text: "part", stopReason: reason });
      feed.end(result);
      expect(of("chat").at(-1)).toMatchObject({
        state: "aborted",
        stopReason: reason,
        message: { content: [{ text: "part" }] },
      });
      expect(of("agent").at(-1)).toMatchObject({ data: { phase: "end", aborted: true } });
    }
  });

  it("stops by itself when its time is over, and leaves no timer behind", async () => {
    const { outcome, clock, feed } = stage(obedient, { timeoutMs: 2_000 });
    await clock.advance(1_999);
    await clock.advance(1);
    const result = await outcome;
    expect(result).toMatchObject({ state: "aborted", stopReason: "timeout" });
    feed.end(result);
    expect(clock.pending).toBe(0);
  });

  it("leaves a runtime behind that ignores the abort for five seconds, and reports it", async () => {
    const { outcome, control, stuck, clock } = stage(
      scripted(async function* () {
        yield { t: "text", delta: "part" };
        await new Promise(() => {});
      }),
    );
    await clock.advance(0);
    control.stop("rpc");
    await clock.advance(4_999);
    expect(stuck).toEqual([]);
    await clock.advance(1);
    const result = await outcome;
    expect(result).toMatchObject({
      state: "failed",
      text: "part",
      error: expect.stringContaining("did not stop within 5 s"),
    });
    expect(stuck).toEqual(["scripted"]);
    expect(clock.pending).toBe(0);
  });

  it("counts as aborted when the runtime breaks because of the abort", async () => {
    const { outcome, control, clock } = stage(
      scripted(async function* (call) {
        yield { t: "text", delta: "x" };
        await aborted(call.signal);
        throw new Error("aborted");
      }),
    );
    await clock.advance(0);
    control.stop("rpc");
    expect(await outcome).toMatchObject({ state: "aborted", stopReason: "rpc" });
  });
});

describe("a runtime that misbehaves", () => {
  const failures: [string, AgentRuntime, string][] = [
    [
      "says error",
      scripted(async function* () {
        yield { t: "done", reason: "error", error: "no credit" };
      }),
      "no credit",
    ],
    [
      "throws",
      scripted(async function* () {
        yield { t: "text", delta: "x" };
        throw new Error("boom");
      }),
      "boom",
    ],
    [
      "throws at once",
      scripted(() => {
        throw new Error("not ready");
      }),
      "not ready",
    ],
    [
      "ends without done",
      scripted(async function* () {
        yield { t: "text", delta: "x" };
      }),
      'without "done"',
    ],
    [
      "gives up unasked",
      scripted(async function* () {
        yield { t: "done", reason: "abort" };
      }),
      "without being asked",
    ],
    [
      "never stops talking",
      scripted(async function* () {
        for (;;) yield { t: "text", delta: "x".repeat(100_000) };
      }),
      `more than ${MAX_ANSWER_CHARS}`,
    ],
    [
      "never stops thinking",
      scripted(async function* () {
        for (;;) yield { t: "thinking", delta: "x".repeat(100_000) };
      }),
      `more than ${MAX_ANSWER_CHARS} characters of thought`,
    ],
    [
      "brings files without end",
      scripted(async function* () {
        for (;;) yield { t: "media", m: { ref: "r", kind: "image", mime: "image/png", bytes: 1 } };
      }),
      `more than ${MAX_ANSWER_MEDIA} files`,
    ],
  ];
  it.each(failures)("ends the run as failed when it %s", async (_name, runtime, error) => {
    const { outcome, feed, of } = stage(runtime);
    const result = await outcome;
    expect(result).toMatchObject({ state: "failed", error: expect.stringContaining(error) });
    feed.end(result);
    expect(of("chat").at(-1)).toMatchObject({ state: "error", errorMessage: expect.stringContaining(error) });
    expect(of("agent").at(-1)).toMatchObject({ data: { phase: "error", error: expect.stringContaining(error) } });
  });
});

describe("the echo runtime", () => {
  const image = { ref: "r1", kind: "image", mime: "image/png", bytes: 4 } as const;
  const voice = { ref: "r2", kind: "voice", mime: "audio/ogg", bytes: 9 } as const;

  it("repeats the newest user message in several deltas and sends its media back", async () => {
    const messages = [
      userMessage({ text: "before", media: [], at: 1 }),
      userMessage({ text: "hello  wide\nworld", media: [image, voice], at: 2 }),
    ];
    const { outcome, of } = stage(echoRuntime, { messages });
    const result = await outcome;
    expect(result).toMatchObject({ state: "done", text: "echo: hello  wide\nworld", media: [image, voice] });
    expect(of("agent").filter(({ stream }) => stream === "assistant").length).toBeGreaterThan(2);
  });

  it("answers a message without text by its media alone", async () => {
    const { outcome } = stage(echoRuntime, { messages: [userMessage({ text: "", media: [voice], at: 1 })] });
    expect(await outcome).toMatchObject({ state: "done", text: "", media: [voice] });
  });

  it("keeps the number of deltas small however long the text is", async () => {
    const { outcome, of } = stage(echoRuntime, {
      messages: [userMessage({ text: "word ".repeat(5_000), media: [], at: 1 })],
    });
    await outcome;
    expect(of("agent").filter(({ stream }) => stream === "assistant").length).toBeLessThanOrEqual(8);
  });
});

describe("a transcript message", () => {
  it("carries text, images as content and every medium as a reference", () => {
    const media = [
      { ref: "r1", kind: "image", mime: "image/png", bytes: 4 },
      { ref: "r2", kind: "file", mime: "text/plain", bytes: 5, name: "a.txt" },
    ] as const;
    const message = userMessage({ text: "look", media, at: 5, sender: { id: "42" } });
    expect(message.content).toEqual([
      { type: "text", text: "look" },
      { type: "image", mimeType: "image/png", ref: "r1", bytes: 4 },
    ]);
    expect(textOf(message)).toBe("look");
    expect(mediaOf(message)).toEqual(media);
    expect(textOf({ role: "user", content: "plain", timestamp: 1 })).toBe("plain");
  });

  it("keeps the partial text and the reason of a run that did not end well", () => {
    const base = { text: "half", media: [], startedAt: 1, endedAt: 2 };
    expect(assistantMessage({ ...base, state: "aborted", stopReason: "rpc" })).toMatchObject({ stopReason: "aborted" });
    expect(assistantMessage({ ...base, text: "", state: "failed", error: "why" })).toMatchObject({
      stopReason: "error",
      errorMessage: "why",
    });
  });
});

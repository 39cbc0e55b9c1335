import { SendError, isSendError } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../base/fake-clock.ts";
import { systemClock } from "../../base/clock.ts";
import { type MessageLine, createLinePair } from "./line.ts";
import { isLineError } from "./line-error.ts";
import { parseMessage } from "./message.ts";
import { createRpc } from "./rpc.ts";

interface Served {
  echo: { params: unknown; result: unknown };
  fail: { params: null; result: null };
  wait: { params: null; result: string };
  functions: { params: null; result: unknown };
}

interface Nothing {
  none: { params: null; result: null };
}

function createPair(options: { clock?: ReturnType<typeof createFakeClock>; hideStacks?: boolean } = {}) {
  const pair = createLinePair();
  const nonsense: string[] = [];
  const heard: unknown[] = [];
  const clock = options.clock ?? systemClock;
  const server = createRpc<Served, Nothing>({
    line: pair.guest,
    clock,
    hideStacks: options.hideStacks ?? false,
    handlers: {
      echo(params) {
        heard.push(params);
        return params;
      },
      fail() {
        throw new SendError("no", { fate: "rejected", scope: "peer", retryAfterMs: 5 });
      },
      wait: (_params, call) =>
        new Promise((resolve) => call.signal.addEventListener("abort", () => resolve("heard the abort"))),
      functions: () => () => "a function cannot cross",
    },
    inspectParams: (method, value) => (method === "echo" && value === "bad" ? "it is bad" : undefined),
    onNonsense: (what) => void nonsense.push(what),
  });
  const client = createRpc<Nothing, Served>({
    line: pair.host,
    clock,
    handlers: { none: () => null },
    inspectResult: (_method, value) => (value === "a lie" ? "it is a lie" : undefined),
    onNonsense: (what) => void nonsense.push(what),
  });
  return { pair, server, client, nonsense, heard };
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error("did not fail"),
    (reason: unknown) => reason,
  );
  return isLineError(error) ? error.code : `not a line error: ${String(error)}`;
};

const soon = { timeoutMs: 1_000 };

describe("the calls between host and guest", () => {
  it("carry values as structured clones", async () => {
    const { client } = createPair();
    const value = { at: new Map([["a", new Uint8Array([1])]]), when: new Date(5) };
    const back = await client.call("echo", value, soon);
    expect(back).toEqual(value);
    expect(back).not.toBe(value);
  });

  it("keep the code and the data of an error", async () => {
    const { client } = createPair();
    const error = await client.call("fail", null, soon).catch((reason: unknown) => reason);
    expect(isSendError(error) && error.data).toEqual({ fate: "rejected", scope: "peer", retryAfterMs: 5 });
  });

  it("show no stack of the side that hides them", async () => {
    const { client } = createPair({ hideStacks: true });
    const error = await client.call("echo", "bad", soon).catch((reason: unknown) => reason);
    expect((error as Error).message).toBe("wrong arguments for echo: it is bad");
    expect((error as Error).stack).not.toContain("serve.ts");
  });

  it("refuse what cannot be cloned, on either side, without harm", async () => {
    const { client } = createPair();
    await expect(client.call("echo", () => 1, soon)).rejects.toThrow(/arguments of echo cannot be sent/u);
    await expect(client.call("functions", null, soon)).rejects.toThrow(/could not be cloned/u);
    expect(await client.call("echo", 1, soon)).toBe(1);
  });

  it("refuse an answer of the wrong shape and a method that does not exist", async () => {
    const { client } = createPair();
    expect(await codeOf(client.call("echo", "a lie", soon))).toBe("refused");
    await expect(client.call("toString" as "echo", null, soon)).rejects.toThrow("there is no method toString");
  });

  it("end at their deadline, and the other side is told", async () => {
    const clock = createFakeClock();
    const { client, nonsense } = createPair({ clock });
    const code = codeOf(client.call("wait", null, { timeoutMs: 500 }));
    await clock.advance(500);
    expect(await code).toBe("timeout");
    await clock.advance(0);
    expect(nonsense).toEqual(["an answer to no open call"]);
    expect(clock.pending).toBe(0);
  });

  it("may answer an abort, and are given up when they do not", async () => {
    const clock = createFakeClock();
    const { client, pair } = createPair({ clock });
    const controller = new AbortController();
    const answered = client.call("wait", null, { timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await answered).toBe("heard the abort");
    const silent = codeOf(client.call("wait", null, { timeoutMs: 60_000, signal: AbortSignal.abort() }));
    pair.cut();
    await clock.advance(5_000);
    expect(await silent).toBe("aborted");
  });

  it("are lost when the line dies, and fail at once after that", async () => {
    const { client } = createPair();
    const pending = codeOf(client.call("wait", null, soon));
    client.close("it died");
    expect(await pending).toBe("lost");
    const after = client.call("echo", 1, soon);
    await expect(after).rejects.toMatchObject({ code: "down", retryable: true, message: "it died" });
  });

  it("survive whatever the other side sends", async () => {
    const { client, pair, nonsense } = createPair();
    const raw: unknown[] = [
      null,
      7,
      "x",
      {},
      { t: "value" },
      { t: "value", id: 99, value: 1 },
      { t: "error", id: 98, error: { code: "SendError", data: { fate: "maybe" } } },
      { t: "call", id: 1, method: 5 },
      { t: "constructor", id: 1 },
      { t: "note", method: "nothing" },
    ];
    for (const message of raw) pair.guest.post(message);
    expect(await client.call("echo", 1, soon)).toBe(1);
    expect(nonsense).toHaveLength(raw.length);
  });

  it("are answered once: a second answer, of whichever kind, changes nothing and is told", async () => {
    const { client, pair, nonsense } = createPair();
    const call = client.call("echo", "first", soon);
    const id = await new Promise<unknown>((resolve) => {
      const stop = pair.host.onMessage((raw) => {
        stop();
        resolve((raw as { id: unknown }).id);
      });
    });
    pair.guest.post({ t: "value", id, value: "second" });
    pair.guest.post({ t: "error", id, error: { code: "Error", message: "third" } });
    expect(await call).toBe("first");
    expect(await client.call("echo", "next", soon)).toBe("next");
    expect(nonsense).toEqual(["an answer to no open call", "an answer to no open call"]);
  });

  it("take the data of a known error only when it has its shape", async () => {
    const pair = createLinePair();
    const liar: MessageLine = pair.guest;
    liar.onMessage((message) => {
      const { id } = message as { id: number };
      liar.post({
        t: "error",
        id,
        error: { code: "SendError", message: "x", data: { fate: "sent, promise", scope: "peer" } },
      });
    });
    const client = createRpc<Nothing, Served>({ line: pair.host, clock: systemClock, handlers: { none: () => null } });
    const error = await client.call("fail", null, soon).catch((reason: unknown) => reason);
    expect(isSendError(error)).toBe(false);
    expect(error).toBeInstanceOf(Error);
  });

  it("take a peer that a message is to be sent on to only when it is one", async () => {
    const claims = [
      { kind: "group", id: "-1", threadId: "5", label: "Moved" },
      { kind: "nonsense", id: "-1" },
      { kind: "dm", id: "x".repeat(513) },
      { kind: "dm", id: "1", extra: "x" },
    ];
    const taken = claims.map((movedTo) => {
      const error = { code: "SendError", message: "x", data: { fate: "rejected", scope: "peer", movedTo } };
      const message = parseMessage({ t: "error", id: 1, error });
      return message?.t === "error" ? message.error.code : undefined;
    });
    expect(taken).toEqual(["SendError", "Error", "Error", "Error"]);
  });

  it("bound how many the other side may have open", async () => {
    const { client } = createPair();
    const calls = Array.from({ length: 1_001 }, () => client.call("wait", null, { timeoutMs: 5_000 }));
    await expect(calls.at(-1)).rejects.toThrow("too many calls; wait must wait");
    client.close("done");
    await Promise.allSettled(calls);
  });
});

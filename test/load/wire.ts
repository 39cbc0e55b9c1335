import { startGatewayProcess } from "openclaw-host-testing";
import { type LoadClient, connectLoadClient } from "./client.ts";
import { inFlight } from "./pipeline.ts";

const TRANSCRIPT = 100_000;
const SENDS = 500;
const PAGES = 50;
const KEY = "agent:main:load";

export interface WireLoad {
  /** chat.inject a second. */
  readonly injects: number;
  readonly sendsMs: readonly number[];
  readonly pagesMs: readonly number[];
  /** Messages of the transcript that was read. */
  readonly transcript: number;
}

async function timed(count: number, act: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    await act(index);
    times.push(performance.now() - began);
  }
  return times;
}

async function sendAndWait(client: LoadClient, index: number): Promise<void> {
  const runId = `load-${index}`;
  const final = client.final(runId);
  await client.call("chat.send", { sessionKey: "agent:main:talk", message: "hello there", idempotencyKey: runId });
  await final;
}

/** One client on a gateway of its own. */
export async function loadWire(width: number): Promise<WireLoad> {
  await using gateway = await startGatewayProcess();
  const client = await connectLoadClient(gateway);
  try {
    const sendsMs = await timed(SENDS, (index) => sendAndWait(client, index));
    // The first message makes the session.
    const made = client.final("first");
    await client.call("chat.send", { sessionKey: KEY, message: "hello", idempotencyKey: "first" });
    await made;
    const message = "x".repeat(100);
    const injects = await inFlight({ width, calls: TRANSCRIPT }, () =>
      client.call("chat.inject", { sessionKey: KEY, message }),
    );
    const pagesMs = await timed(PAGES, () => client.call("chat.history", { sessionKey: KEY, limit: 200 }));
    return { injects, sendsMs, pagesMs, transcript: TRANSCRIPT };
  } finally {
    client.close();
  }
}

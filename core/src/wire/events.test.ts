import { Type } from "@sinclair/typebox";
import { defineEvent, EVENTS, type EventName } from "openclaw-host-schemas";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cliParams, makeDevice } from "../auth/test-device.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Frame, TestClient } from "./test-client.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";

const any = Type.Unknown();
const events = {
  ...EVENTS,
  late: defineEvent({ name: "late", payload: any, audience: "all", since: 4 }),
  aimed: defineEvent({ name: "aimed", payload: any, audience: "targeted" }),
};
/** The events of this test besides those of the protocol. */
type Publish = (event: EventName | "late" | "aimed" | "unheard-of", payload: unknown, options?: object) => void;

const auth = { auth: { token: TOKEN } };
const v4 = { minProtocol: 4, maxProtocol: 4 };

const connIdOf = ({ payload }: Frame): string => (payload!["server"] as { connId: string }).connId;

let wire: TestWire;
let reader3: TestClient;
let reader4: TestClient;
let nobody: TestClient;
let node: TestClient;
let connIds: Map<TestClient, string>;
let publish: Publish;

beforeAll(async () => {
  wire = await startWire({ events });
  connIds = new Map();
  const connect = async (over: Record<string, unknown>, device = false): Promise<TestClient> => {
    const { client, answer } = await wire.connect(cliParams({ ...auth, ...over }), device ? makeDevice() : undefined);
    connIds.set(client, connIdOf(answer));
    return client;
  };
  reader3 = await connect({ scopes: ["operator.read"] });
  reader4 = await connect({ ...v4, scopes: ["operator.write"] });
  nobody = await connect({ scopes: [] });
  node = await connect(
    { role: "node", client: { id: "node-host", version: "1", platform: "linux", mode: "node" } },
    true,
  );
  const sink: EventSink = wire.wire.sink;
  publish = (event, payload, options) => sink.publish(event as EventName, payload as never, options);
});
afterAll(() => wire.stop());

/** Events of a client after everything published so far has arrived. */
async function eventsOf(client: TestClient): Promise<Frame[]> {
  const id = `sync${Math.random()}`;
  await client.request(id, "unknown");
  return client.frames.filter((frame) => frame.type === "event" && frame.event !== "connect.challenge");
}
const names = async (client: TestClient): Promise<unknown[]> =>
  (await eventsOf(client)).map((frame) => [frame.event, frame.seq]);

const delta = {
  runId: "r",
  sessionKey: "agent:main:main",
  seq: 2,
  state: "delta",
  deltaText: "lo",
  agentId: "main",
  message: { role: "assistant", content: [{ type: "text", text: "hello" }], timestamp: 1 },
};

describe("events", () => {
  it("reach whom their audience names, numbered per connection without gaps", async () => {
    publish("tick", { ts: 1 });
    publish("chat", delta);
    publish("presence", { presence: [] }, { stateVersion: { presence: 2, health: 1 } });
    publish("agent", {
      runId: "r",
      seq: 1,
      stream: "lifecycle",
      ts: 1,
      data: { phase: "start", startedAt: 1 },
      agentId: "main",
    });
    publish("late", {});
    publish("unheard-of", {});
    publish("tick", { ts: 2 });
    expect(await names(reader3)).toEqual([
      ["tick", 1],
      ["chat", 2],
      ["presence", 3],
      ["agent", 4],
      ["tick", 5],
    ]);
    expect(await names(reader4)).toEqual([
      ["tick", 1],
      ["chat", 2],
      ["presence", 3],
      ["agent", 4],
      ["late", 5],
      ["tick", 6],
    ]);
    expect(await names(nobody)).toEqual([
      ["tick", 1],
      ["presence", 2],
      ["tick", 3],
    ]);
    expect(await names(node)).toEqual([
      ["tick", 1],
      ["tick", 2],
    ]);
    expect(wire.log.some(({ level, fields }) => level === "error" && fields["event"] === "unheard-of")).toBe(true);
  });

  it("carry what each version knows, in the frame its clients accept", async () => {
    const chat3 = reader3.texts.find((text) => text.includes('"event":"chat"'));
    expect(chat3).toBe(
      '{"type":"event","event":"chat","payload":{"runId":"r","sessionKey":"agent:main:main","seq":2,"state":"delta",' +
        '"message":{"role":"assistant","content":[{"type":"text","text":"hello"}],"timestamp":1}},"seq":2}',
    );
    const chat4 = (await eventsOf(reader4)).find((frame) => frame.event === "chat");
    expect(chat4?.payload).toEqual(delta);
    const agent3 = (await eventsOf(reader3)).find((frame) => frame.event === "agent");
    expect(agent3?.payload).not.toHaveProperty("agentId");
    const presence = (await eventsOf(nobody)).find((frame) => frame.event === "presence");
    expect(presence).toEqual({
      type: "event",
      event: "presence",
      payload: { presence: [] },
      stateVersion: { presence: 2, health: 1 },
      seq: 2,
    });
  });

  it("that version 3 does not know leave no gap there", async () => {
    const before = (await eventsOf(reader3)).length;
    publish("chat", { ...delta, state: "status", phase: "thinking" });
    expect(await eventsOf(reader3)).toHaveLength(before);
    publish("tick", { ts: 3 });
    expect((await names(reader3)).at(-1)).toEqual(["tick", before + 1]);
  });

  it("that are addressed carry no seq and still obey scopes", async () => {
    const everybody = new Set(connIds.values());
    publish(
      "agent",
      { runId: "t", seq: 9, stream: "tool", ts: 1, data: { phase: "start", name: "x", toolCallId: "1" } },
      { onlyTo: everybody },
    );
    publish("aimed", { hi: 1 }, { onlyTo: new Set([connIds.get(node)!, "somebody-else"]) });
    publish("aimed", { hi: 2 });
    const last = async (client: TestClient) => (await eventsOf(client)).at(-1);
    expect(await last(reader3)).toMatchObject({ event: "agent", payload: { runId: "t" } });
    expect(await last(reader3)).not.toHaveProperty("seq");
    expect((await eventsOf(nobody)).some((frame) => frame.event === "agent")).toBe(false);
    expect(await last(node)).toEqual({ type: "event", event: "aimed", payload: { hi: 1 } });
  });
});

describe("a client that does not read", () => {
  it("misses droppable events, sees the gap, and is closed for the others", async () => {
    const own = await startWire({ limits: { maxBufferedBytes: 100_000 } });
    const reading = { ...auth, scopes: ["operator.read"] };
    const { client: slow, answer } = await own.connect(cliParams(reading));
    const { client: other } = await own.connect(cliParams(reading));
    const { sink } = own.wire;
    const slowId = connIdOf(answer);
    // The buffers of both kernels hold a few megabytes before the gateway's own grows.
    const fill = (): void => {
      slow.ws.pause();
      const stopReason = "x".repeat(16_000_000);
      sink.publish(
        "chat",
        { runId: "r", sessionKey: "s", seq: 1, state: "final", stopReason },
        { onlyTo: new Set([slowId]) },
      );
    };

    fill();
    for (let ts = 1; ts <= 3; ts += 1) sink.publish("tick", { ts });
    slow.ws.resume();
    await slow.next((frame) => frame.event === "chat");
    sink.publish("tick", { ts: 4 });
    const seqs = (client: TestClient) =>
      client.frames.filter((frame) => frame.event === "tick").map(({ seq, payload }) => [seq, payload?.["ts"]]);
    await expect.poll(() => seqs(slow)).toEqual([[4, 4]]);
    await expect
      .poll(() => seqs(other))
      .toEqual([
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
      ]);

    fill();
    sink.publish("chat", { runId: "r", sessionKey: "s", seq: 2, state: "final" });
    slow.ws.resume();
    expect(await slow.closed).toEqual({ code: 1008, reason: "slow consumer" });
    await other.next((frame) => frame.payload?.["seq"] === 2);
    await own.stop();
  });
});

describe("shutdown", () => {
  it("is announced before every client is closed with 1012", async () => {
    const own = await startWire();
    const { client } = await own.connect(cliParams(auth));
    const stranger = own.open();
    await stranger.nonce();
    await own.wire.close({ reason: "restart", restartExpectedMs: 1500 });
    expect(await client.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(await stranger.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(client.frames.at(-1)).toEqual({
      type: "event",
      event: "shutdown",
      payload: { reason: "restart", restartExpectedMs: 1500 },
      seq: 1,
    });
    await own.stop();
  });
});

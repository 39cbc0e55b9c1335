import { connect } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { cliParams } from "../auth/test-device.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";

let wire: TestWire | undefined;
afterEach(async () => {
  await wire?.stop();
  wire = undefined;
});

const reading = { auth: { token: TOKEN }, scopes: ["operator.read"] };

/** More than the buffers of both kernels hold, so that the rest waits in the gateway. */
const LARGE = "x".repeat(16_000_000);

async function startSlow(): Promise<TestWire> {
  wire = await startWire({ limits: { maxBufferedBytes: 100_000 }, handlers: { status: () => LARGE } });
  return wire;
}

describe("a client that asks without reading", () => {
  it("is closed at the first answer beyond its buffer", async () => {
    const own = await startSlow();
    const { client } = await own.connect(cliParams(reading));
    client.ws.pause();
    for (const id of ["a", "b", "c"]) client.send({ type: "req", id, method: "status" });
    client.ws.resume();
    expect(await client.closed).toEqual({ code: 1008, reason: "slow consumer" });
    expect(client.frames.filter(({ type }) => type === "res").map(({ id }) => id)).toEqual(["r1", "a"]);
  });

  it("is closed when it pings", async () => {
    const own = await startSlow();
    const { client } = await own.connect(cliParams(reading));
    client.ws.pause();
    client.send({ type: "req", id: "a", method: "status" });
    client.ws.ping();
    client.ws.resume();
    expect(await client.closed).toEqual({ code: 1008, reason: "slow consumer" });
  });
});

describe("a socket that says nothing", () => {
  it("waits like any other, and the oldest makes room for the newest", async () => {
    const own = await startWire({ limits: { waitingLoopback: 3 } });
    wire = own;
    const silent = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const socket = connect({ port: own.port, host: "127.0.0.1" });
        socket.resume();
        await once(socket, "connect");
        return socket;
      }),
    );
    const { client, answer } = await own.connect(cliParams(reading));
    expect(answer.ok).toBe(true);
    await expect.poll(() => silent.filter((socket) => socket.readableEnded || socket.destroyed).length).toBe(1);
    client.ws.close();
    for (const socket of silent) socket.destroy();
  });
});

describe("a socket that upgrades while the gateway stops", () => {
  it("is turned away and does not hold the stop", async () => {
    wire = await startWire();
    const late = connect({ port: wire.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(late, "connect");
    const key = Buffer.alloc(16).toString("base64");
    late.write(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
    const stranger = wire.open();
    await stranger.nonce();
    const closing = wire.wire.close({ reason: "test", restartExpectedMs: null });
    late.write(`Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
    const [answer] = (await once(late, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    await closing;
    late.destroy();
  });
});

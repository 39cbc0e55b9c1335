import { createHash, createPublicKey, verify } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket as Peer, WebSocketServer } from "ws";
import { type GatewayClient, createDeviceIdentity, createGatewayClient, isGatewayError } from "./index.ts";
import type { GatewayClientOptions } from "./options.ts";

type Frame = Record<string, unknown>;
interface Signed {
  readonly device: { readonly id: string; readonly publicKey: string; readonly signature: string };
}
const NONCE = "485e702c-4ec1-4d1b-b48b-7106c009f7ed";
const TS = 1_795_358_582_358;
const HELLO = {
  type: "hello-ok",
  protocol: 4,
  server: { version: "dev", connId: "c1" },
  policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 15_000 },
};

/** A gateway that speaks literal frames: `answer` sees every request after the challenge. */
async function startPeer(answer: (request: Frame, peer: Peer, send: (frame: Frame) => void) => void) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const requests: Frame[] = [];
  server.on("connection", (peer) => {
    const send = (frame: Frame) => peer.send(JSON.stringify(frame));
    peer.on("message", (data: Buffer) => {
      const request = JSON.parse(data.toString()) as Frame;
      requests.push(request);
      answer(request, peer, send);
    });
    send({ type: "event", event: "connect.challenge", payload: { nonce: NONCE, ts: TS } });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    for (const peer of server.clients) peer.terminate();
    return new Promise((resolve) => server.close(resolve));
  };
  undo.push(close);
  return { url, requests, server, close };
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of undo.splice(0).reverse()) await run();
});

function client(options: GatewayClientOptions): GatewayClient {
  const created = createGatewayClient(options);
  undo.push(() => created.close());
  return created;
}

/** Answers `connect`; false for any other request. */
function hello(request: Frame, send: (frame: Frame) => void): boolean {
  if (request["method"] !== "connect") return false;
  send({ type: "res", id: request["id"], ok: true, payload: HELLO });
  return true;
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("the call succeeded"),
    (error: unknown) => (isGatewayError(error) ? error : expect.unreachable(String(error))),
  );

describe("createGatewayClient", () => {
  it("answers the challenge with a signature the gateway can verify", async () => {
    const peer = await startPeer((request, _, send) => hello(request, send));
    const identity = await createDeviceIdentity(TS);
    const info = { id: "cli", mode: "cli", version: "1", platform: " Linux " };
    await client({ url: peer.url, token: "tok", identity, client: info, scopes: ["operator.read"] }).ready();
    const params = peer.requests[0]!["params"] as Signed;
    const raw = Buffer.from(params.device.publicKey, "base64url");
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
    const text = `v3|${params.device.id}|cli|cli|operator|operator.read|${TS}|tok|${NONCE}|linux|`;
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(verify(null, Buffer.from(text), key, Buffer.from(params.device.signature, "base64url"))).toBe(true);
    expect(params.device.id).toBe(createHash("sha256").update(raw).digest("hex"));
    expect(params).toMatchObject({ minProtocol: 3, maxProtocol: 4, auth: { token: "tok" }, client: info });
  });

  it("gives the accepted answer to onAccepted and resolves with the final one", async () => {
    const peer = await startPeer((request, _, send) => {
      if (hello(request, send)) return;
      send({ type: "res", id: request["id"], ok: true, payload: { runId: "r1", status: "accepted" } });
      send({ type: "res", id: request["id"], ok: true, payload: { runId: "r1", status: "ok" } });
    });
    const accepted: unknown[] = [];
    const gateway = client({ url: peer.url });
    const params = { message: "hi", idempotencyKey: "r1" };
    const final = await gateway.call("agent", params, { onAccepted: (payload) => accepted.push(payload) });
    expect(final).toEqual({ runId: "r1", status: "ok" });
    expect(accepted).toEqual([{ runId: "r1", status: "accepted" }]);
    expect(await gateway.call("agent", params, { expectFinal: false })).toEqual({ runId: "r1", status: "accepted" });
  });

  it("rejects a failed call with the gateway's code, details and retry time", async () => {
    const peer = await startPeer((request, _, send) => {
      const error = { code: "UNAVAILABLE", message: "busy", details: { a: 1 }, retryable: true, retryAfterMs: 50 };
      if (!hello(request, send)) send({ type: "res", id: request["id"], ok: false, error });
    });
    const error = await failure(client({ url: peer.url }).call("health", {}));
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: "busy", details: { a: 1 }, retryable: true });
    expect(error.retryAfterMs).toBe(50);
  });

  it("gives up when the gateway refuses the connection, with its reason", async () => {
    const refusal = { code: "INVALID_REQUEST", message: "unauthorized: gateway token mismatch (provide it)" };
    const peer = await startPeer((request, socket, send) => {
      send({ type: "res", id: request["id"], ok: false, error: refusal });
      socket.close(1008, refusal.message);
    });
    const gateway = client({ url: peer.url, token: "wrong" });
    expect(await failure(gateway.ready())).toMatchObject(refusal);
    expect(await failure(gateway.call("health", {}))).toMatchObject(refusal);
    expect(peer.requests).toHaveLength(1);
  });

  it("connects again after a lost connection, keeps its listeners and fails the call that was on its way", async () => {
    let connects = 0;
    const peer = await startPeer((request, socket, send) => {
      if (hello(request, send)) {
        connects++;
        send({ type: "event", event: "tick", payload: { ts: connects }, seq: 1 });
      } else if (connects === 1) socket.terminate();
      else send({ type: "res", id: request["id"], ok: true, payload: { ok: true } });
    });
    const ticks: number[] = [];
    const delays: (number | undefined)[] = [];
    const gateway = client({
      url: peer.url,
      fraction: () => 0,
      // Long waits stay long, the back-off becomes short.
      clock: {
        now: () => Date.now(),
        after: (ms, run) =>
          (
            (timer) => () =>
              clearTimeout(timer)
          )(setTimeout(run, ms > 5_000 ? ms : 1)),
      },
      onDisconnect: (_, retryInMs) => delays.push(retryInMs),
    });
    gateway.on("tick", ({ ts }) => ticks.push(ts));
    expect(await failure(gateway.call("health", {}, { timeoutMs: 10_000 }))).toMatchObject({
      code: "CONNECTION_CLOSED",
      retryable: true,
    });
    expect(await gateway.call("health", {}, { timeoutMs: 10_000 })).toEqual({ ok: true });
    expect(ticks).toEqual([1, 2]);
    expect(delays).toEqual([500]);
  });

  it("reports a gap in the numbering of events and none across connections", async () => {
    const peer = await startPeer((request, _, send) => {
      if (!hello(request, send)) return;
      for (const seq of [7, 8, 11]) send({ type: "event", event: "tick", payload: { ts: 1 }, seq });
      send({ type: "event", event: "tick", payload: { ts: 1 } });
      send({ type: "event", event: "tick", payload: { ts: 2 }, seq: 12 });
    });
    const gaps: unknown[] = [];
    const gateway = client({ url: peer.url, onGap: (gap) => gaps.push(gap) });
    await new Promise<void>((resolve) => gateway.on("tick", ({ ts }) => ts === 2 && resolve()));
    expect(gaps).toEqual([{ expected: 9, received: 11 }]);
  });

  it("stops waiting when the caller's signal aborts or the time is over", async () => {
    const peer = await startPeer((request, _, send) => void hello(request, send));
    const gateway = client({ url: peer.url });
    await gateway.ready();
    expect(await failure(gateway.call("health", {}, { signal: AbortSignal.abort() }))).toMatchObject({
      code: "ABORTED",
    });
    const controller = new AbortController();
    const waiting = failure(gateway.call("health", {}, { signal: controller.signal }));
    controller.abort();
    expect(await waiting).toMatchObject({ code: "ABORTED" });
    expect(await failure(gateway.call("health", {}, { timeoutMs: 1 }))).toMatchObject({
      code: "TIMEOUT",
      retryable: true,
    });
  });

  it("closes a connection that stays silent for two ticks", async () => {
    const closes: number[] = [];
    const peer = await startPeer((request, socket, send) => {
      socket.on("close", (code) => closes.push(code));
      send({ type: "res", id: request["id"], ok: true, payload: { ...HELLO, policy: { tickIntervalMs: 20 } } });
    });
    const lost = Promise.withResolvers<unknown>();
    client({ url: peer.url, reconnect: false, onDisconnect: (error) => lost.resolve(error.message) });
    expect(await lost.promise).toContain("tick timeout");
    await expect.poll(() => closes).toEqual([4000]);
  });

  it("says that nobody answers when there is no gateway, and fails every call after close", async () => {
    const peer = await startPeer(() => {});
    await peer.close();
    const gateway = client({ url: peer.url, reconnect: false });
    expect(await failure(gateway.ready())).toMatchObject({ code: "UNREACHABLE" });
    await gateway.close();
    expect(await failure(gateway.call("health", {}))).toMatchObject({ code: "CLOSED" });
  });

  it("fails outstanding calls with CLOSED when it is closed", async () => {
    const peer = await startPeer((request, _, send) => void hello(request, send));
    const gateway = client({ url: peer.url });
    await gateway.ready();
    const waiting = failure(gateway.call("health", {}));
    await gateway.close();
    expect(await waiting).toMatchObject({ code: "CLOSED" });
  });

  it.each(["ws://gateway.example", "http://10.0.0.7:18789", "ftp://127.0.0.1", "not an address"])(
    "refuses %s before any byte is sent",
    (url) => {
      expect(() => createGatewayClient({ url, token: "t" })).toThrow(/wss:|is not an address/);
    },
  );
});

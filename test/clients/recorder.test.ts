import { WebSocket, WebSocketServer } from "ws";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { openSocket } from "../e2e/sockets.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { expectClosedSince, expectDeviceToken, expectRefusal, refusalCode } from "./refusals.ts";

interface Stage extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly url: string;
  readonly hosts: readonly (string | undefined)[];
  /** Closes every connection at the gateway's end. */
  hangUp(code: number, reason: string): void;
}

/** A recorder before a peer that answers each request by the function. */
async function stage(answer: (method: string) => object): Promise<Stage> {
  const hosts: (string | undefined)[] = [];
  const peer = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  peer.on("connection", (socket, request) => {
    hosts.push(request.headers.host);
    socket.on("message", (data: Buffer) => {
      const { id, method } = JSON.parse(data.toString()) as { id: string; method: string };
      socket.send(JSON.stringify({ type: "res", id, ...answer(method) }));
    });
  });
  await new Promise((resolve) => peer.once("listening", resolve));
  const recorder = await startRecorder(`ws://127.0.0.1:${(peer.address() as AddressInfo).port}`, "127.0.0.1");
  return {
    recorder,
    url: `ws://127.0.0.1:${recorder.port}`,
    hosts,
    hangUp: (code, reason) => peer.clients.forEach((socket) => socket.close(code, reason)),
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      for (const socket of peer.clients) if (socket.readyState !== WebSocket.CLOSED) socket.terminate();
      await new Promise((resolve) => peer.close(resolve));
    },
  };
}

const connect = (auth: object) => ({ type: "req", id: "1", method: "connect", params: { auth } });
const refusal = { code: "NOT_PAIRED", message: "pairing required", details: { code: "PAIRING_REQUIRED" } };

describe("the recorder", () => {
  it("passes frames, the Host header and the end of a connection on, and notes them", async () => {
    await using set = await stage((method) =>
      method === "odd"
        ? { ok: false, error: { code: "INVALID_REQUEST", message: "unknown method: odd" } }
        : { ok: true },
    );
    const socket = await openSocket(set.url, { host: "gateway.example" });
    for (const [id, method] of [
      ["1", "connect"],
      ["2", "odd"],
      ["3", "odd"],
      ["4", "even"],
    ] as const) {
      socket.send({ type: "req", id, method });
      expect(await socket.response(id)).toMatchObject({ id });
    }
    expect(set.hosts).toEqual(["gateway.example"]);
    expect(set.recorder.methods()).toEqual(["connect", "odd", "even"]);
    expect(set.recorder.refused()).toEqual([{ method: "odd", error: "INVALID_REQUEST unknown method: odd" }]);
    const at = performance.now();
    set.hangUp(1008, "revoked");
    expect(await socket.closed).toEqual({ code: 1008, reason: "revoked" });
    expect(expectClosedSince(set.recorder, { connection: 1, at })).toMatch(/^closed 1008 "revoked"/);
    expect(() => expectClosedSince(set.recorder, { connection: 1, at: at - 2_000 })).toThrow("closed by gateway");
    expect(() => expectClosedSince(set.recorder, { connection: 2, at })).toThrow("still open");
  });

  it("tells how the last connect was refused, and by what it tried to prove itself", async () => {
    await using set = await stage(() => ({ ok: false, error: refusal }));
    await using socket = await openSocket(set.url);
    expect(() => expectDeviceToken(set.recorder, "shared")).toThrow("no device token was sent");
    socket.send(connect({ token: "shared", deviceToken: "own" }));
    await socket.response("1");
    expect(expectRefusal(set.recorder, "PAIRING_REQUIRED")).toBe("PAIRING_REQUIRED: pairing required");
    expect(() => expectRefusal(set.recorder, "AUTH_TOKEN_MISMATCH")).toThrow("expected AUTH_TOKEN_MISMATCH");
    expect(() => expectDeviceToken(set.recorder, "shared")).toThrow("the shared token was sent as well");
    socket.send({ ...connect({ deviceToken: "own" }), id: "2" });
    await socket.response("2");
    expectDeviceToken(set.recorder, "shared");
  });

  it("takes a connect that was answered well for let in", async () => {
    await using set = await stage(() => ({ ok: true }));
    await using socket = await openSocket(set.url);
    socket.send(connect({ token: "shared" }));
    await socket.response("1");
    expect(refusalCode(set.recorder)).toBe("let in");
    expect(() => expectRefusal(set.recorder, "PAIRING_REQUIRED")).toThrow("let in");
  });
});

import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createAddressSet } from "../auth/addresses.ts";
import { LONE_HOST } from "../auth/own-host.ts";
import { createPeerReader } from "../auth/peer.ts";
import { cliParams } from "../auth/test-device.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { silentLog } from "../store/test-store.ts";
import type { Room } from "./http.ts";
import { listen } from "./server.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";

let wire: TestWire | undefined;
afterEach(async () => {
  await wire?.stop();
  wire = undefined;
});

interface Asked extends Omit<RequestInit, "headers"> {
  readonly headers?: Record<string, string>;
}

const get = (path: string, { headers, ...init }: Asked = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${wire?.port}${path}`, { ...init, headers: { connection: "close", ...headers } });

describe("the port", () => {
  it("is bound on both loopback addresses, or says which it could not", async () => {
    const parts = { onRequest: () => undefined, onUpgrade: () => undefined, clock: createFakeClock(), log: silentLog };
    const listening = await listen(parts, { hosts: ["127.0.0.1", "192.0.2.1"], port: 0 });
    expect(listening.hosts).toEqual(["127.0.0.1"]);
    await listening.close();
  });

  it("in use is refused with what to do", async () => {
    const squatter = createTcpServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    const { port } = squatter.address() as { port: number };
    const parts = { onRequest: () => undefined, onUpgrade: () => undefined, clock: createFakeClock(), log: silentLog };
    await expect(listen(parts, { port })).rejects.toThrow(
      `cannot listen on 127.0.0.1 port ${port}: another program uses it: stop that program or choose another port`,
    );
    squatter.close();
  });
});

describe("HTTP", () => {
  const hello: Room = {
    prefix: "/hello/",
    handle: async (request) => {
      if (request.url.endsWith("/boom")) throw new Error("token=hunter2");
      return new Response(`${request.method} ${await request.text()}`, { status: 201, headers: { "x-room": "1" } });
    },
  };

  it("answers health probes", async () => {
    let ready = false;
    wire = await startWire({ parts: { problems: () => (ready ? [] : ["the disk is full"]) } });
    for (const path of ["/healthz", "/health"]) {
      const response = await get(path);
      expect([response.status, await response.json()]).toEqual([200, { ok: true, status: "live" }]);
    }
    for (const path of ["/readyz", "/ready?verbose=1"]) expect((await get(path)).status).toBe(503);
    ready = true;
    const response = await get("/readyz");
    expect([response.status, await response.json()]).toEqual([200, { ready: true }]);
    expect((await get("/healthz", { method: "POST" })).status).toBe(405);
    expect((await get("/healthz", { method: "HEAD" })).status).toBe(200);
  });

  it("tells programs of this host why it is not ready, and nobody else", async () => {
    const readPeer = createPeerReader({ trustedProxies: createAddressSet([]), own: LONE_HOST, hosts: ["gw.example"] });
    wire = await startWire({ parts: { readPeer, problems: () => ["telegram/shop: the token was refused"] } });
    const asked = async (headers: Record<string, string>) => {
      const response = await get("/readyz", { headers });
      return [response.status, await response.json()];
    };
    const reasons = ["telegram/shop: the token was refused"];
    expect(await asked({})).toEqual([503, { ready: false, reasons }]);
    for (const stranger of [
      { "x-forwarded-for": "127.0.0.1" },
      { "cdn-loop": "proxy.example" },
      { origin: "http://localhost:5173" },
    ]) {
      expect(await asked(stranger), JSON.stringify(stranger)).toEqual([503, { ready: false }]);
    }
  });

  it("answers 404 elsewhere, with headers that leave a browser nothing to guess", async () => {
    wire = await startWire();
    const response = await get("/no/such/page");
    expect([response.status, await response.text()]).toEqual([404, "Not Found"]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
  });

  it("lets rooms answer below their prefix, within limits, and keeps their errors in the log", async () => {
    wire = await startWire({ parts: { rooms: [hello] } });
    const response = await get("/hello/you?x=1", { method: "POST", body: "body" });
    expect([response.status, await response.text(), response.headers.get("x-room")]).toEqual([201, "POST body", "1"]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await get("/hello")).status).toBe(404);
    expect((await get("/hello/../etc")).status).toBe(404);
    expect((await get("/hello/%2e%2e%2fetc")).status).toBe(400);
    expect((await get("/hello/x", { method: "POST", body: "x".repeat(1024 * 1024 + 1) })).status).toBe(413);
    const failed = await get("/hello/boom");
    expect([failed.status, await failed.text()]).toEqual([500, "Internal Server Error"]);
    expect(wire.log.some((record) => record.message === "an HTTP request failed")).toBe(true);
  });
});

describe("the gateway's neighbours", () => {
  it("hear of a client before its snapshot, after its hello-ok, and when it has gone", async () => {
    const news: string[] = [];
    const tell = (what: string) => () => void news.push(what);
    wire = await startWire({
      parts: {
        onAdmitted: tell("admitted"),
        onConnected: ({ connId }) => {
          news.push("connected");
          wire?.wire.sink.publish("tick", { ts: 1 }, { onlyTo: new Set([connId]) });
        },
        onDisconnected: tell("disconnected"),
      },
    });
    const { client, answer } = await wire.connect(cliParams({ auth: { token: TOKEN } }));
    expect(answer.ok).toBe(true);
    await client.next((frame) => frame.event === "tick");
    expect(client.frames.map((frame) => frame.event ?? frame.id)).toEqual(["connect.challenge", "r1", "tick"]);
    client.ws.close();
    await expect.poll(() => news).toEqual(["admitted", "connected", "disconnected"]);
  });

  it("do not hear of a client that was refused", async () => {
    const news: string[] = [];
    const tell = (what: string) => () => void news.push(what);
    wire = await startWire({
      parts: { onAdmitted: tell("admitted"), onConnected: tell("connected"), onDisconnected: tell("disconnected") },
    });
    const { client } = await wire.connect(cliParams({ auth: { token: "wrong" } }));
    await client.closed;
    expect(news).toEqual([]);
  });

  it("cost one connection when they fail, not the gateway", async () => {
    wire = await startWire({
      parts: {
        onConnected: () => {
          throw new Error("a bug");
        },
      },
    });
    const { client } = await wire.connect(cliParams({ auth: { token: TOKEN } }));
    expect(await client.closed).toEqual({ code: 1011, reason: "internal error" });
    expect((await get("/healthz")).status).toBe(200);
  });
});

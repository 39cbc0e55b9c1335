import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type TLSSocket, connect as connectTls } from "node:tls";
import { createGatewayClient } from "openclaw-host-sdk/client";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createAddressSet } from "../auth/addresses.ts";
import { LONE_HOST } from "../auth/own-host.ts";
import { type PeerReader, createPeerReader } from "../auth/peer.ts";
import { cliParams } from "../auth/test-device.ts";
import type { Listening } from "../wire/server.ts";
import { type TestWire, type TestWireOptions, TOKEN, startWire } from "../wire/test-wire.ts";
import type { TlsPair } from "../wire/tls-port.ts";
import { makeCertificate } from "./tls-self-signed.ts";

let wire: TestWire | undefined;
afterEach(async () => {
  await wire?.stop();
  wire = undefined;
});

async function makePair(): Promise<TlsPair> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const now = Date.now();
  const wish = { key, names: ["localhost", "127.0.0.1"], validFrom: now - 1_000, validTo: now + 1_000_000 };
  return { key, cert: await makeCertificate(wish) };
}

const pair = await makePair();

async function secureWire(options: TestWireOptions = {}): Promise<{ wire: TestWire; port: number; bound: Listening }> {
  wire = await startWire(options);
  const bound = await wire.wire.listen({ port: 0, tls: pair });
  return { wire, port: bound.port, bound };
}

/** A client that connected over TLS, and the answer to its `connect`. */
async function connectOver(port: number): Promise<{ ws: WebSocket; answer: unknown }> {
  const ws = new WebSocket(`wss://localhost:${port}`, { ca: pair.cert });
  await once(ws, "message");
  ws.send(JSON.stringify({ type: "req", id: "r", method: "connect", params: cliParams({ auth: { token: TOKEN } }) }));
  const [data] = (await once(ws, "message")) as [Buffer];
  return { ws, answer: JSON.parse(data.toString()) };
}

async function rawTcp(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

/** The first record of a TLS handshake, as it goes over the wire. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const trap = process.getBuiltinModule("node:net").createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data: Buffer) => {
        socket.destroy();
        trap.close();
        resolve(data);
      });
    });
    trap.listen(0, "127.0.0.1", () => {
      const { port } = trap.address() as { port: number };
      const client = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      client.on("error", () => undefined);
    });
  });
}

async function shown(port: number, minVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.2"): Promise<string> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion });
  await once(socket, "secureConnect");
  const print = socket.getPeerX509Certificate()?.fingerprint256 ?? "";
  socket.destroy();
  return print;
}

const printOf = ({ cert }: TlsPair): string => new X509Certificate(cert).fingerprint256;

describe("a port with TLS", () => {
  it("serves https and wss, and knows that they are encrypted", async () => {
    const encrypted: boolean[] = [];
    const look = createPeerReader({ trustedProxies: createAddressSet([]), own: LONE_HOST, hosts: [] });
    const readPeer: PeerReader = (facts) => {
      encrypted.push(facts.encrypted);
      return look(facts);
    };
    const { wire, port } = await secureWire({ parts: { readPeer } });
    const { ws, answer } = await connectOver(port);
    expect(answer).toMatchObject({ ok: true, payload: { type: "hello-ok" } });
    expect(encrypted).toEqual([true]);
    ws.close();
    const socket = connectTls({ port, host: "127.0.0.1", ca: pair.cert, servername: "localhost" });
    socket.end("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(wire.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("tells who forgot the s of https, and does not hang", async () => {
    const { port } = await secureWire();
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("https:// or wss://")]);
    const ws = new WebSocket(`ws://127.0.0.1:${port}`);
    const [error] = (await once(ws, "error")) as [Error];
    expect(error.message).toContain("400");
  });

  it("speaks no TLS older than 1.2", async () => {
    const { port } = await secureWire();
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toMatch(/protocol version|wrong version|unsupported/i);
    expect(await shown(port, "TLSv1.3")).toBe(printOf(pair));
  });

  it("takes a handshake that comes byte by byte", async () => {
    const { port } = await secureWire();
    const raw = await rawTcp(port);
    const hello = await clientHello();
    raw.pause();
    const answered = once(raw, "readable");
    for (const byte of hello) {
      raw.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await answered;
    expect((raw.read() as Buffer)[0]).toBe(22);
    raw.destroy();
  });

  it("does 50 handshakes at a time", async () => {
    const { port } = await secureWire();
    const clients = await Promise.all(Array.from({ length: 50 }, () => connectOver(port)));
    expect(clients.filter(({ answer }) => (answer as { ok: boolean }).ok)).toHaveLength(50);
    for (const { ws } of clients) ws.close();
  });

  it("limits what may come before authentication, as without TLS", async () => {
    const { wire, port } = await secureWire();
    const ws = new WebSocket(`wss://localhost:${port}`, { ca: pair.cert });
    const closed = once(ws, "close");
    await once(ws, "open");
    ws.send("x".repeat(70_000));
    await expect.poll(() => ws.readyState).toBeGreaterThan(WebSocket.OPEN);
    // The gateway reads no further, not even the answer to its close frame.
    await wire.clock.advance(1_000);
    expect((await closed)[0]).toBe(1009);
  });

  it("shows a renewed certificate to newcomers and keeps who is connected", async () => {
    const { port, bound } = await secureWire();
    const { ws } = await connectOver(port);
    expect(await shown(port)).toBe(printOf(pair));
    const next = await makePair();
    bound.renew(next);
    expect(await shown(port)).toBe(printOf(next));
    const pong = once(ws, "pong");
    ws.ping();
    await pong;
    expect(() => bound.renew({ ...next, key: pair.key })).toThrow();
    expect(await shown(port)).toBe(printOf(next));
    ws.close();
  });
});

describe("a certificate that has ended", () => {
  it("is refused by who relies on it, and taken by who pinned it", async () => {
    const now = Date.now();
    const wish = { key: pair.key, names: ["localhost"], validFrom: now - 2_000_000, validTo: now - 1_000_000 };
    const ended = { key: pair.key, cert: await makeCertificate(wish) };
    wire = await startWire();
    const { port } = await wire.wire.listen({ port: 0, tls: ended });
    const ws = new WebSocket(`wss://localhost:${port}`, { ca: ended.cert });
    const [error] = (await once(ws, "error")) as [Error & { code: string }];
    expect(error.code).toBe("CERT_HAS_EXPIRED");
    const client = createGatewayClient({
      url: `wss://127.0.0.1:${port}`,
      token: TOKEN,
      tlsFingerprint: printOf(ended),
      reconnect: false,
    });
    expect((await client.ready()).type).toBe("hello-ok");
    await client.close();
  });
});

describe("a TLS handshake that is not finished", () => {
  const open = (sockets: readonly Socket[]): number =>
    sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;

  it("has ten seconds, however many bytes trickle in", async () => {
    const { wire, port } = await secureWire();
    const hello = await clientHello();
    const [silent, slow] = [await rawTcp(port), await rawTcp(port)];
    slow.write(hello.subarray(0, 20));
    for (let second = 0; second < 9; second += 1) {
      slow.write(hello.subarray(20 + second, 21 + second));
      await wire.clock.advance(1_000);
    }
    expect(open([silent, slow])).toBe(2);
    await wire.clock.advance(1_000);
    await expect.poll(() => open([silent, slow])).toBe(0);
  });

  it("counts among the sockets that wait for authentication, and the oldest makes room", async () => {
    const { port } = await secureWire({ limits: { waitingLoopback: 3 } });
    const hello = await clientHello();
    const half = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const socket = await rawTcp(port);
        socket.write(hello.subarray(0, 50));
        return socket;
      }),
    );
    const { ws, answer } = await connectOver(port);
    expect(answer).toMatchObject({ ok: true });
    await expect.poll(() => open(half)).toBe(2);
    // Who is authenticated holds no place any more.
    const more = await Promise.all([connectOver(port), connectOver(port), connectOver(port)]);
    expect(more.every(({ answer }) => (answer as { ok: boolean }).ok)).toBe(true);
    expect(ws.readyState).toBe(WebSocket.OPEN);
    for (const client of [ws, ...more.map((other) => other.ws)]) client.close();
    for (const socket of half) socket.destroy();
  });

  it("that fails, is aborted or is garbage costs nothing but its socket", async () => {
    const { wire, port } = await secureWire();
    const garbage = await rawTcp(port);
    garbage.write(Buffer.concat([Buffer.of(22, 3, 1, 0, 5), Buffer.from("junk!")]));
    const aborted = await rawTcp(port);
    aborted.write((await clientHello()).subarray(0, 30));
    aborted.destroy();
    const quiet = await rawTcp(port);
    quiet.end();
    const ssh = await rawTcp(port);
    ssh.write("SSH-2.0-OpenSSH_9.9\r\n");
    await expect.poll(() => open([garbage, aborted, quiet, ssh])).toBe(0);
    expect(await shown(port)).toBe(printOf(pair));
    expect(wire.log.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("does not hold the gateway's stop", async () => {
    const { bound, port } = await secureWire();
    const silent = await rawTcp(port);
    const half = await rawTcp(port);
    half.write((await clientHello()).subarray(0, 50));
    await bound.close();
    await expect.poll(() => open([silent, half])).toBe(0);
  });
});

async function textOf(socket: TLSSocket): Promise<string> {
  let text = "";
  for await (const data of socket) text += String(data);
  return text;
}

import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { startGatewayProcess } from "openclaw-host-testing";
import { connectLoadClient } from "./client.ts";

const AT_ONCE = 200;
const PAUSE_MS = 2;
/** Between the requests of the authenticated client, ms. */
const EVERY_MS = 2;

/** What a stranger does before it falls silent. */
const OPENINGS: readonly string[] = [
  "",
  "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
  `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
];

export interface HalfOpenLoad {
  /** Times of the authenticated client's requests while strangers came, ms. */
  readonly callsMs: readonly number[];
  /** Sockets that strangers opened. */
  readonly opened: number;
  /** Of these, how many the gateway still kept when the last one had come. */
  readonly kept: number;
}

/** An authenticated client asks at a steady pace while so many sockets are opened and left half open. */
export async function loadHalfOpen(strangers: number): Promise<HalfOpenLoad> {
  await using gateway = await startGatewayProcess();
  const client = await connectLoadClient(gateway);
  const worker = new Worker(new URL(import.meta.url), { workerData: { port: gateway.port, strangers } });
  const over = new AbortController();
  const told = once(worker, "message").then(([message]: { opened: number; kept: number }[]) => {
    over.abort();
    return message ?? { opened: 0, kept: 0 };
  });
  const callsMs: number[] = [];
  const asked: Promise<void>[] = [];
  try {
    for (let due = performance.now(); !over.signal.aborted; due += EVERY_MS) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      // From when it was due, and without waiting for the one before: a stall is met by every request that falls into it.
      const from = due;
      asked.push(client.call("status", {}).then(() => void callsMs.push(performance.now() - from)));
    }
    await Promise.all(asked);
    return { callsMs, ...(await told) };
  } finally {
    client.close();
    await worker.terminate();
  }
}

async function openOne(port: number, opening: string): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  if (opening !== "" && !socket.destroyed) socket.write(opening);
  return socket;
}

interface Flood {
  readonly port: number;
  readonly strangers: number;
}

async function flood({ port, strangers }: Flood): Promise<{ opened: number; kept: number }> {
  const sockets: (Socket | undefined)[] = [];
  while (sockets.length < strangers) {
    const batch = Array.from({ length: AT_ONCE }, (_, at) =>
      openOne(port, OPENINGS[(sockets.length + at) % OPENINGS.length] ?? ""),
    );
    sockets.push(...(await Promise.all(batch)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const kept = sockets.filter((socket) => socket !== undefined && !socket.destroyed && socket.readable).length;
  for (const socket of sockets) socket?.destroy();
  return { opened: sockets.length, kept };
}

if (!isMainThread) parentPort?.postMessage(await flood(workerData as Flood));

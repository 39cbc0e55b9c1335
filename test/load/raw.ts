import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { inFlight } from "./pipeline.ts";

const RUN_MS = 2_000;

/** Round trips a second of a `ws` server that only sends back what it hears, in a thread of its own. */
export async function echoes(width: number): Promise<number> {
  const worker = new Worker(new URL(import.meta.url));
  const [port] = (await once(worker, "message")) as [number];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, "open");
  const waiting: (() => void)[] = [];
  socket.on("message", () => waiting.shift()?.());
  const frame = JSON.stringify({ type: "req", id: "1", method: "chat.inject", params: { message: "x".repeat(100) } });
  const perSecond = await inFlight({ width, forMs: RUN_MS }, () => {
    socket.send(frame);
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
  socket.terminate();
  await worker.terminate();
  return perSecond;
}

if (!isMainThread) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await once(server, "listening");
  parentPort?.postMessage((server.address() as AddressInfo).port);
}

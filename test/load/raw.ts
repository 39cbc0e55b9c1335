import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { inFlight } from "./pipeline.ts";

const RUN_MS = 2_000;

/** Rows a second of the barest durable loop: one transaction for every 16 rows, synced as the gateway's database is. */
export async function groupCommits(writers: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-load-"));
  const db = new DatabaseSync(join(folder, "raw.db"));
  try {
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)",
    );
    const insert = db.prepare("INSERT INTO rows (body) VALUES (?)");
    const body = JSON.stringify({ role: "assistant", content: [{ type: "text", text: "x".repeat(100) }] });
    const began = performance.now();
    let rows = 0;
    while (performance.now() - began < RUN_MS) {
      db.exec("BEGIN");
      for (let writer = 0; writer < writers; writer += 1) insert.run(body);
      db.exec("COMMIT");
      rows += writers;
    }
    return (rows * 1_000) / (performance.now() - began);
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

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

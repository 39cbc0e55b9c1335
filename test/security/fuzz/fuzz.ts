import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { WebSocket } from "ws";
import { nextRandom } from "../random.ts";
import { createMutator, recordedFrames } from "./mutate.ts";

export interface FuzzOptions {
  readonly frames: number;
  readonly seed: number;
}

export interface FuzzReport {
  readonly sent: number;
  /** Connections that the gateway ended; each was opened again. */
  readonly ended: number;
  /** Answers of the bystander, ms. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly asked: number;
  /** Resident memory of the gateway after the first tenth and at the end, MiB. 0 where there is no /proc. */
  readonly memoryMib: readonly [number, number];
}

/** Frames sent before one answer is waited for. */
const BURST = 50;
/** How long an answer or an end may take, ms, before the gateway counts as hung. */
const HUNG_MS = 30_000;

/** Sends mutated frames to a gateway in a process of its own, as owner, as node and before any connect. Throws when it dies or hangs. */
export async function fuzz({ frames, seed }: FuzzOptions): Promise<FuzzReport> {
  await using gateway = await startGatewayProcess();
  const bystander = await startBystander(gateway);
  const next = createMutator(recordedFrames(), nextRandom(seed));
  let sent = 0;
  let ended = 0;
  let before = 0;
  let socket: WebSocket | undefined;
  for (let round = 0; sent < frames; round += 1) {
    const stranger = round % 10 === 0;
    socket = socket?.readyState === WebSocket.OPEN && !stranger ? socket : await open(gateway, stranger);
    const burst = stranger ? 1 : BURST;
    for (let n = 0; n < burst; n += 1) socket.send(next(`f${sent + n}`));
    sent += burst;
    if (!(await answers(socket, `sync-${round}`))) ended += 1;
    if (stranger) socket.terminate();
    if (before === 0 && sent >= frames / 10) before = memoryOf(gateway.pid);
  }
  socket?.terminate();
  const after = memoryOf(gateway.pid);
  const times = (await bystander.stop()).toSorted((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Infinity;
  return { sent, ended, medianMs: at(0.5), p99Ms: at(0.99), asked: times.length, memoryMib: [before, after] };
}

function connectFrame(token: string): string {
  const client = { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" };
  const scopes = ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];
  const params = { minProtocol: 3, maxProtocol: 4, client, role: "operator", scopes, auth: { token } };
  return JSON.stringify({ type: "req", id: "connect", method: "connect", params });
}

async function open({ url, token }: GatewayProcess, stranger: boolean): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("error", () => undefined);
  if (stranger) return socket;
  const ready = new Promise<void>((resolve, reject) => {
    socket.on("message", (data: Buffer) => data.includes('"hello-ok"') && resolve());
    socket.once("close", (code) => reject(new Error(`the gateway refused the owner with ${code}`)));
  });
  socket.send(connectFrame(token));
  await ready;
  return socket;
}

/** Resolves with true when the gateway answered, with false when it ended the connection. */
function answers(socket: WebSocket, id: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => reject(new Error("the gateway answers no more"))), HUNG_MS);
    const heard = (data: Buffer) => data.includes(`"${id}"`) && done(() => resolve(true));
    const closed = () => done(() => resolve(false));
    function done(settle: () => void): void {
      clearTimeout(timer);
      socket.off("message", heard).off("close", closed);
      settle();
    }
    socket.on("message", heard).once("close", closed);
    if (socket.readyState !== WebSocket.OPEN) return closed();
    socket.send(JSON.stringify({ type: "req", id, method: "health" }));
  });
}

async function startBystander({ url, token }: GatewayProcess): Promise<{ stop(): Promise<readonly number[]> }> {
  const worker = new Worker(new URL("bystander.ts", import.meta.url), { workerData: { url, token }, execArgv: [] });
  const failed = new Promise<never>((_resolve, reject) => worker.once("error", reject));
  failed.catch(() => undefined);
  await Promise.race([failed, new Promise((resolve) => worker.once("message", resolve))]);
  return {
    async stop() {
      const told = new Promise<{ times: number[]; stopped: boolean }>((resolve) => worker.on("message", resolve));
      worker.postMessage("stop");
      const { times, stopped } = await Promise.race([failed, told]);
      await worker.terminate();
      if (!stopped) throw new Error("the gateway ended the connection of a client that did nothing wrong");
      return times;
    },
  };
}

function memoryOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

import { parentPort, workerData } from "node:worker_threads";
import { WebSocket } from "ws";

/** An authenticated client in a thread of its own, which asks one thing after the other and notes how long each answer took. */

const { url, token } = workerData as { readonly url: string; readonly token: string };
const PAUSE_MS = 10;

const socket = new WebSocket(url);
const times: number[] = [];
let asked = 0;
let stopped = false;

function ask(): void {
  if (stopped) return;
  asked = performance.now();
  socket.send(JSON.stringify({ type: "req", id: "ask", method: "health" }));
}

socket.on("open", () => {
  const client = { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" };
  const params = {
    minProtocol: 3,
    maxProtocol: 4,
    client,
    role: "operator",
    scopes: ["operator.read"],
    auth: { token },
  };
  socket.send(JSON.stringify({ type: "req", id: "connect", method: "connect", params }));
});
socket.on("message", (data: Buffer) => {
  const { type, id } = JSON.parse(data.toString()) as { type?: string; id?: string };
  if (type !== "res") return;
  if (id === "ask") times.push(performance.now() - asked);
  else parentPort?.postMessage("ready");
  setTimeout(ask, PAUSE_MS);
});
socket.on("close", () => parentPort?.postMessage({ times, stopped }));
parentPort?.once("message", () => {
  stopped = true;
  socket.close();
});

/**
 * Runs the example as a user would: starts the real gateway with this folder as its only extension, says a line over TCP and
 * expects the agent's answer. Exits non-zero when anything differs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const bin = join(here, "..", "..", "node_modules", ".bin");
const START_MS = 20_000;
const ANSWER_MS = 10_000;
const STOP_MS = 10_000;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Rejects with the sentence when the promise takes longer. */
async function inTime<T>(ms: number, sentence: string, promise: Promise<T>): Promise<T> {
  const late = new AbortController();
  const limit = sleep(ms, undefined, { signal: late.signal }).then(() => Promise.reject(new Error(sentence)));
  limit.catch(() => {});
  return Promise.race([promise, limit]).finally(() => late.abort());
}

function startGateway(state: string, config: string): ChildProcess {
  const args = ["gateway", "--json", "--port", "0", "--token", "hello-channel-check-0123456789"];
  const files = ["--state-dir", state, "--config", config, "--extensions", here];
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
  return spawn(join(bin, "openclaw"), [...args, ...files], { env, stdio: ["ignore", "pipe", "inherit"] });
}

/** The extension's guest connects after the gateway listens, so the first tries may be refused. */
async function dial(port: number, gateway: ChildProcess): Promise<Socket> {
  while (gateway.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    if (connected) return socket;
    await sleep(50);
  }
  throw new Error(`the gateway ended with exit code ${gateway.exitCode}`);
}

async function ask(socket: Socket, line: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    createInterface(socket)
      .once("line", resolve)
      .once("close", () => reject(new Error("the channel hung up")));
  });
  socket.write(`${line}\n`);
  return inTime(ANSWER_MS, "no answer came", answer).finally(() => socket.destroy());
}

async function stop(gateway: ChildProcess): Promise<void> {
  if (gateway.exitCode !== null) return;
  const ended = new Promise<number | null>((resolve) => gateway.once("exit", resolve));
  gateway.kill("SIGTERM");
  const code = await inTime(STOP_MS, "the gateway did not stop", ended).catch((error: unknown) => {
    gateway.kill("SIGKILL");
    throw error;
  });
  if (code !== 0) throw new Error(`the gateway stopped with exit code ${code}`);
}

const state = await mkdtemp(join(tmpdir(), "hello-channel-"));
const port = await freePort();
const config = join(state, "openclaw.json");
await writeFile(config, JSON.stringify({ channels: { hello: { port, dmPolicy: "open" } } }), { mode: 0o600 });
const gateway = startGateway(state, config);
const log: string[] = [];
if (gateway.stdout !== null) createInterface(gateway.stdout).on("line", (line) => log.push(line));
try {
  const socket = await inTime(START_MS, "the channel did not open its port", dial(port, gateway));
  const answer = await ask(socket, "hello");
  if (answer !== "echo: hello") throw new Error(`expected "echo: hello", got ${JSON.stringify(answer)}`);
  await stop(gateway);
  process.stdout.write("hello-channel: ok\n");
} catch (error) {
  gateway.kill("SIGKILL");
  process.stderr.write(`hello-channel: ${String(error)}\n${log.slice(-20).join("\n")}\n`);
  process.exitCode = 1;
} finally {
  await rm(state, { recursive: true, force: true });
}

/**
 * Installs the packed core the way a user does, without development tools, and runs it on the oldest supported Node.
 * Asserts: installed size <= 6 MB, the gateway starts, answers health over the wire, and stops cleanly.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { WebSocket } from "ws";

const run = promisify(execFile);
const root = new URL("../..", import.meta.url).pathname;
const MAX_INSTALL_BYTES = 6_000_000;
const TOKEN = "packed-smoke-token-0123456789abcdef";

function assert(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}

/** Bytes on disk, as `du` counts them. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
  }
  return bytes;
}

async function installPacked(folder: string): Promise<void> {
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  const { stdout } = await run("npm", ["pack", "--json", "-w", "core", "--pack-destination", folder], { cwd: root });
  const [file] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  assert(file !== undefined, `npm pack made no archive: ${stdout}`);
  await run("npm", ["install", "--no-audit", "--no-fund", "--omit=dev", join(folder, file ?? "")], { cwd: folder });
}

/** Connects as the local owner and resolves with the protocol of hello-ok and the answer to `health`. */
function health(port: number): Promise<{ protocol: number; ok: unknown }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    let protocol = 0;
    const client = { id: "test", mode: "test", version: "1", platform: "linux" };
    const params = {
      minProtocol: 3,
      maxProtocol: 4,
      client,
      role: "operator",
      scopes: ["operator.read"],
      auth: { token: TOKEN },
    };
    socket.on("error", reject);
    socket.on("close", (code, reason) => reject(new Error(`closed ${code} ${reason.toString()}`)));
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString());
      if (frame.event === "connect.challenge")
        socket.send(JSON.stringify({ type: "req", id: "1", method: "connect", params }));
      if (frame.id === "1") {
        protocol = frame.payload?.protocol;
        socket.send(JSON.stringify({ type: "req", id: "2", method: "health", params: {} }));
      }
      if (frame.id === "2") {
        resolve({ protocol, ok: frame.payload?.ok });
        socket.close();
      }
    });
  });
}

async function runOnNode24(folder: string): Promise<void> {
  const bin = join(folder, "node_modules/openclaw-host/bin/openclaw.js");
  const flags = ["gateway", "--port", "0", "--token", TOKEN, "--state-dir", join(folder, "state"), "--json"];
  const node24 = (
    await run("npx", ["-y", "-p", "node@24", "node", "-p", "process.execPath"], { cwd: folder })
  ).stdout.trim();
  const child = spawn(node24, ["--disable-sigusr1", bin, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const record = JSON.parse(line);
      if (record.message !== "listening") continue;
      const answer = await health(record.port);
      assert(answer.protocol === 4 && answer.ok === true, `health answered ${JSON.stringify(answer)}`);
      break;
    }
  } finally {
    child.kill("SIGTERM");
  }
  assert((await exited) === 0, "the packed gateway did not exit with 0 on SIGTERM");
}

const folder = await mkdtemp(join(tmpdir(), "openclaw-packed-"));
try {
  await installPacked(folder);
  const bytes = await sizeOf(join(folder, "node_modules"));
  assert(bytes <= MAX_INSTALL_BYTES, `the packed core installs to ${bytes} bytes, more than ${MAX_INSTALL_BYTES}`);
  await runOnNode24(folder);
  process.stdout.write(`packed core: ${(bytes / 1e6).toFixed(1)} MB installed, health answered on Node 24\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type GatewayClient, createGatewayClient } from "openclaw-host-sdk/client";

export interface GatewayProcessOptions {
  /** Folders given as `--extensions`. Default none. */
  readonly extensions?: readonly string[];
  /** Content of the config file. Default `{}`. */
  readonly config?: object;
  /** Reuses a state directory of an earlier process; it is then not removed at the end. */
  readonly stateDir?: string;
  /** Added to a minimal environment (PATH and HOME only). */
  readonly env?: Readonly<Record<string, string>>;
  /** The Node binary; default the one that runs the test. */
  readonly node?: string;
  /** How long the gateway may take to listen, ms. Default 20,000. */
  readonly startTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One JSON log line of the gateway. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A real gateway in a process of its own, on a free port. */
export interface GatewayProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly token: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** Every line so far. */
  readonly lines: readonly LogLine[];
  /** Resolves with the first line, past or future, that fits. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** A ready operator client with all owner scopes; closed with the process. */
  client(): Promise<GatewayClient>;
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/** The token every test gateway is started with; long enough for any bind. */
const TOKEN = "test-token-0123456789abcdef0123456789abcdef";

const binary = join(dirname(createRequire(import.meta.url).resolve("openclaw-host/package.json")), "bin/openclaw.js");

/** Starts `openclaw gateway` and resolves once it listens; rejects with its output when it does not. */
export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), "openclaw-host-test-")));
  await chmod(stateDir, 0o700);
  const configPath = join(stateDir, "openclaw.json");
  if (options.config !== undefined || options.stateDir === undefined) {
    await writeFile(configPath, JSON.stringify(options.config ?? {}), { mode: 0o600 });
  }
  const child = spawnGateway(options, { stateDir, configPath });
  const output = collectLines(child);
  const exited = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const listening = await firstOf(output, exited, options.startTimeoutMs ?? 20_000);
  return handleOf({
    child,
    output,
    exited,
    stateDir,
    configPath,
    port: Number(listening["port"]),
    keepState: options.stateDir !== undefined,
  });
}

function spawnGateway(options: GatewayProcessOptions, at: { stateDir: string; configPath: string }): ChildProcess {
  const extensions = (options.extensions ?? []).flatMap((folder) => ["--extensions", folder]);
  const flags = ["--port", "0", "--token", TOKEN, "--state-dir", at.stateDir, "--config", at.configPath, "--json"];
  return spawn(options.node ?? process.execPath, ["--disable-sigusr1", binary, "gateway", ...flags, ...extensions], {
    env: { PATH: process.env["PATH"] ?? "", HOME: at.stateDir, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

interface Output {
  readonly lines: LogLine[];
  readonly text: string[];
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
}

function collectLines(child: ChildProcess): Output {
  const lines: LogLine[] = [];
  const text: string[] = [];
  const waiting = new Set<{ fits: (line: LogLine) => boolean; resolve: (line: LogLine) => void }>();
  const add = (raw: string) => {
    text.push(raw);
    const line = parseLine(raw);
    lines.push(line);
    for (const waiter of waiting) {
      if (!waiter.fits(line)) continue;
      waiting.delete(waiter);
      waiter.resolve(line);
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", add);
  }
  return {
    lines,
    text,
    line(fits) {
      const past = lines.find(fits);
      return past === undefined ? new Promise((resolve) => waiting.add({ fits, resolve })) : Promise.resolve(past);
    },
  };
}

function parseLine(raw: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(raw);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : { message: raw };
  } catch {
    return { message: raw };
  }
}

async function firstOf(output: Output, exited: Promise<Exit>, timeoutMs: number): Promise<LogLine> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not listen within ${timeoutMs} ms`), timeoutMs);
  });
  const ended = exited.then((exit) => `exited with ${exit.code ?? exit.signal}`);
  const first = await Promise.race([output.line((line) => line["message"] === "listening"), late, ended]);
  clearTimeout(timer);
  if (typeof first === "string") throw new Error(`the gateway ${first}:\n${output.text.join("\n")}`);
  return first;
}

interface Parts {
  readonly child: ChildProcess;
  readonly output: Output;
  readonly exited: Promise<Exit>;
  readonly stateDir: string;
  readonly configPath: string;
  readonly port: number;
  readonly keepState: boolean;
}

function handleOf(parts: Parts): GatewayProcess {
  const { child, output, exited, port, stateDir, configPath } = parts;
  const url = `ws://127.0.0.1:${port}`;
  const clients: GatewayClient[] = [];
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    child.kill(signal);
    return exited;
  };
  return {
    url,
    port,
    pid: child.pid ?? 0,
    token: TOKEN,
    stateDir,
    configPath,
    lines: output.lines,
    line: (fits) => output.line(fits),
    stop,
    async client() {
      const client = createGatewayClient({
        url,
        token: TOKEN,
        client: { id: "test", mode: "test", version: "0.1.0", platform: process.platform },
        scopes: ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"],
      });
      clients.push(client);
      await client.ready();
      return client;
    },
    async [Symbol.asyncDispose]() {
      await stop();
      if (!parts.keepState) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

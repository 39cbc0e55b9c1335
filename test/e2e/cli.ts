import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = new URL("../../core/bin/openclaw.js", import.meta.url).pathname;

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

function start(args: readonly string[], env: Record<string, string>, before?: string): ChildProcess {
  const node = [process.execPath, "--disable-sigusr1", binary, ...args] as const;
  const [command, ...rest] = before === undefined ? node : ["sh", "-c", `${before}; exec "$0" "$@"`, ...node];
  return spawn(command, rest, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs one command of the real CLI to its end. `before`: what a POSIX shell does first. */
export async function cli(args: readonly string[], env: Record<string, string>, before?: string): Promise<CliResult> {
  const startedAt = performance.now();
  const child = start(args, env, before);
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (data: Buffer) => (output.stdout += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (output.stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, ...output, elapsedMs: performance.now() - startedAt };
}

export interface RunningCli extends AsyncDisposable {
  /** Everything printed so far. */
  output(): string;
  /** Resolves when what was printed fits. */
  printed(pattern: RegExp): Promise<string>;
}

/** Starts a command that keeps running, as a person does in a terminal. */
export function runCli(args: readonly string[], env: Record<string, string>): RunningCli {
  const child = start(args, env);
  let text = "";
  const waiting = new Set<() => void>();
  const add = (data: Buffer) => {
    text += data.toString();
    for (const wake of waiting) wake();
  };
  child.stdout?.on("data", add);
  child.stderr?.on("data", add);
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    output: () => text,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(text)) return;
          waiting.delete(look);
          resolve(text);
        };
        waiting.add(look);
        look();
        void exited.then(() => reject(new Error(`the command ended before it printed ${pattern}:\n${text}`)));
      }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** An empty home; removed at the end. */
export async function emptyHome(): Promise<{ path: string; env: Record<string, string> } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "openclaw-home-"));
  const env = { HOME: path, OPENCLAW_STATE_DIR: join(path, "state"), OPENCLAW_GATEWAY_PORT: "0" };
  return { path, env, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

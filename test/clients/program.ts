import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Release } from "./install.ts";

/** Each command of an official release is a new process; the old ones take seconds to start, more on a busy machine. */
const COMMAND_TIMEOUT_MS = 120_000;

export interface Result {
  readonly code: number | null;
  readonly text: string;
  readonly stdout: string;
}

/** A home of its own: nothing of the user's is read, nothing is left. */
export interface Home extends AsyncDisposable {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function makeHome(name: string): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), `openclaw-client-${name}-`));
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: path,
    OPENCLAW_STATE_DIR: join(path, "state"),
    NO_COLOR: "1",
    // Neither a browser nor a supervisor nor an update is any business of these tests.
    OPENCLAW_NO_RESPAWN: "1",
    CI: "1",
  };
  return { path, env, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A program that runs on; it and all its children are gone when it is disposed of. */
export interface Running extends AsyncDisposable {
  text(): string;
  readonly stdout: () => string;
  readonly ended: Promise<number | null>;
}

export function start(release: Release, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(release.node, [release.program, ...args], {
    env: { ...env, PATH: `${join(release.node, "..")}:${env["PATH"] ?? ""}` },
    cwd: env["HOME"],
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = { text: "", stdout: "" };
  child.stdout.on("data", (data: Buffer) => {
    output.stdout += data.toString();
    output.text += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => (output.text += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    text: () => output.text,
    stdout: () => output.stdout,
    ended,
    async [Symbol.asyncDispose]() {
      endGroup(child, "SIGTERM");
      const impatience = setTimeout(() => endGroup(child, "SIGKILL"), 5_000);
      await ended;
      clearTimeout(impatience);
      endGroup(child, "SIGKILL");
    },
  };
}

/** The child leads a process group, in which its own children are. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}

/** Runs one command to its end, or ends it after two minutes. */
export async function run(
  release: Release,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Result> {
  await using running = start(release, args, env);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), COMMAND_TIMEOUT_MS);
  });
  const code = await Promise.race([running.ended, late]);
  clearTimeout(timer);
  if (code === "late") return { code: null, text: `${running.text()}\n(ended after 120 s)`, stdout: running.stdout() };
  return { code, text: running.text(), stdout: running.stdout() };
}

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Carrier, GuestExit } from "./carrier.ts";
import { type GuestLimits, guestExecArgv } from "./guest-argv.ts";
import { captureOutput } from "./guest-output.ts";
import type { MessageLine } from "./line/line.ts";

/** From source Node strips the types; in the bundle the guest is a file beside `main.js`. */
const GUEST_ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./guest/main.ts" : "./guest.js", import.meta.url),
);
/** Lines of stderr kept to explain why a guest died. */
const LAST_WORDS = 12;
/** How long the pipes of a guest that has exited are still read, ms. */
const PIPE_GRACE_MS = 500;

export interface ProcessOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Working directory: the extension's own data folder. */
  readonly cwd: string;
  /** The whole environment of the guest; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: those of `guestExecArgv`. */
  readonly limits?: GuestLimits;
}

/** Starts a guest as a child process with its own heap, its own environment and one IPC pipe. */
export function startProcessCarrier(options: ProcessOptions): Carrier {
  const child = fork(GUEST_ENTRY, [], {
    cwd: options.cwd,
    env: { ...options.env },
    execArgv: guestExecArgv(options.limits),
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lastWords: string[] = [];
  captureChild(child, options, lastWords);
  const exited = whenExited(child, options.clock, () =>
    lastWords.length === 0 ? {} : { lastWords: lastWords.join("\n") },
  );
  return {
    isolation: "process",
    line: childLine(child),
    pid: child.pid,
    exited,
    kill: () => void child.kill("SIGKILL"),
  };
}

/**
 * `close` comes when the pipes are empty too, so that the last words are complete; it is not waited for long, because a
 * grandchild that inherited a pipe would keep it open.
 */
function whenExited(child: ChildProcess, clock: Clock, words: () => { lastWords?: string }): Promise<GuestExit> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, ...words() }));
    child.once("exit", (code, signal) => {
      child.stdout?.resume();
      child.stderr?.resume();
      clock.after(PIPE_GRACE_MS, () => resolve({ code, signal, ...words() }));
    });
    // Listened to for life: it also tells of a signal that could not be sent, and nobody else would take that.
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, lastWords: error.message });
    });
  });
}

/** What the guest prints goes to the log; the end of stderr is kept, because it often says why a guest died. */
function captureChild(child: ChildProcess, options: ProcessOptions, lastWords: string[]): void {
  const { clock, log } = options;
  const onDropped = (count: number) => log.warn("the extension prints too much; lines were dropped", { count });
  if (child.stdout !== null) {
    captureOutput(child.stdout, { clock, onDropped, onLine: (line) => log.info(line, { stream: "stdout" }) });
  }
  if (child.stderr !== null) {
    const onLine = (line: string) => {
      lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      log.warn(line, { stream: "stderr" });
    };
    captureOutput(child.stderr, { clock, onDropped, onLine });
  }
}

/** The line is the IPC channel of the fork; what is posted after the guest has gone is dropped. */
function childLine(child: ChildProcess): MessageLine {
  return {
    post(message) {
      if (!child.connected) return;
      // The callback takes the error of a pipe that breaks meanwhile; the exit tells what became of the guest.
      child.send(message as object, () => {});
    },
    onMessage(listener) {
      child.on("message", listener);
      return () => void child.off("message", listener);
    },
  };
}

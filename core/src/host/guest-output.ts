import type { Readable } from "node:stream";
import { isOver } from "../base/clock-watch.ts";
import type { Clock } from "../base/clock.ts";

/** What is counted, is counted for this long, ms. */
const WINDOW_MS = 1_000;
/** Lines of one stream that are logged per second; the rest is counted. */
const LINES_PER_WINDOW = 50;
/** Bytes read per second before the pipe is left full, so that a guest which floods its stdout slows down itself. */
const BYTES_PER_WINDOW = 1_048_576;
/** A longer line is cut off; so is the part of one that has not ended yet. */
const MAX_LINE_CHARS = 4_096;

export interface OutputOptions {
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
  /** Lines that were not passed on in the last window. */
  readonly onDropped: (count: number) => void;
}

/** Reads what a guest prints, line by line, at a bounded rate. */
export function captureOutput(stream: Readable, options: OutputOptions): void {
  const { clock } = options;
  let windowStart = clock.now();
  let lines = 0;
  let bytes = 0;
  let dropped = 0;
  let partial = "";

  const roll = () => {
    windowStart = clock.now();
    lines = 0;
    bytes = 0;
    if (dropped > 0) options.onDropped(dropped);
    dropped = 0;
  };
  const take = (line: string) => {
    if (line.trim() === "") return;
    if (++lines > LINES_PER_WINDOW) dropped += 1;
    else options.onLine(line.slice(0, MAX_LINE_CHARS));
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    if (isOver(windowStart, WINDOW_MS, clock.now())) roll();
    bytes += chunk.length;
    const pieces = (partial + chunk).split("\n");
    partial = (pieces.pop() ?? "").slice(0, MAX_LINE_CHARS);
    pieces.forEach(take);
    if (bytes <= BYTES_PER_WINDOW) return;
    stream.pause();
    clock.after(WINDOW_MS, () => stream.resume());
  });
  stream.on("end", () => {
    take(partial);
    roll();
  });
  // A broken pipe ends the output; the end of the guest itself is seen elsewhere.
  stream.on("error", () => {});
}

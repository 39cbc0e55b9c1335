import { closeSync, fchmodSync, fstatSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { formatJson } from "./log-format.ts";
import type { LogSink } from "./log.ts";

export interface LogFileOptions {
  /** Absolute path; its folder exists. */
  readonly path: string;
  /** The file is rotated before it grows beyond this, bytes. Default 10 MiB. */
  readonly maxBytes?: number;
  /** Files kept in all: `path`, `path.1`, ... Default 3. */
  readonly files?: number;
}

export interface LogFile {
  readonly sink: LogSink;
  /** Takes other limits from now on; files beyond them are removed. */
  limit(limits: Required<Pick<LogFileOptions, "maxBytes" | "files">>): void;
  close(): void;
}

const TEN_MIB = 10 * 1024 * 1024;
/** The configuration allows no more; what an earlier start kept beyond its files is found up to here. */
const MOST_FILES = 100;

/** A JSONL file, mode 0600, rotated by size. Written synchronously, so that the last line before a crash is there. */
export function openLogFile(options: LogFileOptions): LogFile {
  const { path } = options;
  let { maxBytes = TEN_MIB, files = 3 } = options;
  let closed = false;
  /** Absent after a rotation that failed; the next record tries again. */
  let fd: number | undefined = open(path);
  let size = fstatSync(fd).size;

  const rotate = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
    for (let index = files - 1; index >= 1; index--) moveIfThere(nameOf(path, index - 1), nameOf(path, index));
    if (files === 1) rmSync(path, { force: true });
    fd = open(path);
    size = 0;
  };

  return {
    sink(record) {
      if (closed) return;
      fd ??= open(path);
      const line = Buffer.from(`${formatJson(record)}\n`);
      if (size > 0 && size + line.length > maxBytes) rotate();
      writeSync(fd, line);
      size += line.length;
    },
    limit(limits) {
      ({ maxBytes, files } = limits);
      for (let index = files; index < MOST_FILES; index++) rmSync(nameOf(path, index), { force: true });
    },
    close() {
      closed = true;
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

const nameOf = (path: string, index: number) => (index === 0 ? path : `${path}.${index}`);

function open(path: string): number {
  const fd = openSync(path, "a", 0o600);
  // A file that exists keeps its mode, whoever made it.
  fchmodSync(fd, 0o600);
  return fd;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

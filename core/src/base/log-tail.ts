import { type FileHandle, open } from "node:fs/promises";

export interface TailQuery {
  /** Byte position of an earlier answer; absent: the end of the file counts. */
  readonly cursor?: number;
  /** At most so many lines, the newest ones. */
  readonly limit: number;
  /** At most so many bytes are read. */
  readonly maxBytes: number;
}

/** What `logs.tail` answers (wire protocol section 5.2). */
export interface Tail {
  readonly file: string;
  /** Where to go on: the size of the file. */
  readonly cursor: number;
  readonly size: number;
  readonly lines: string[];
  /** True when older lines were left out. */
  readonly truncated: boolean;
  /** True when the file does not go on from the given cursor: it was rotated, or too much was written since. */
  readonly reset: boolean;
}

/** Whole lines of a log file after a cursor. A missing file is an empty one. */
export async function tailFile(file: string, query: TailQuery): Promise<Tail> {
  const handle = await openIfThere(file);
  if (handle === undefined) return answer({ file, size: 0, text: "", start: 0 }, query);
  try {
    const { size } = await handle.stat();
    const { cursor } = query;
    const goesOn = cursor !== undefined && cursor <= size && size - cursor <= query.maxBytes;
    const start = goesOn ? cursor : Math.max(0, size - query.maxBytes);
    return answer({ file, size, text: await readLines(handle, start, size), start }, query);
  } finally {
    await handle.close();
  }
}

function answer(read: { file: string; size: number; text: string; start: number }, query: TailQuery): Tail {
  const { file, size, start } = read;
  const all = read.text.split("\n").filter((line) => line !== "");
  const lines = all.slice(-query.limit);
  const reset = query.cursor !== undefined && query.cursor !== start;
  const truncated = lines.length < all.length || (start > 0 && (query.cursor === undefined || reset));
  return { file, cursor: size, size, lines, truncated, reset };
}

/** Text from `start` on; a line that began before it is left out. */
async function readLines(handle: FileHandle, start: number, end: number): Promise<string> {
  const from = Math.max(0, start - 1);
  const buffer = Buffer.alloc(end - from);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  const bytes = buffer.subarray(0, bytesRead);
  if (start === 0) return bytes.toString("utf8");
  // The byte before `start` tells whether a line begins there.
  const firstBreak = bytes.indexOf("\n");
  return firstBreak === -1 ? "" : bytes.subarray(firstBreak + 1).toString("utf8");
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

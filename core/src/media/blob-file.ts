import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, copyFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SNIFF_BYTES } from "./mime.ts";

const FILE_MODE = 0o600;
const DIR_MODE = 0o700;

export interface WrittenBlob {
  readonly sha256: string;
  readonly bytes: number;
  /** The first bytes, for sniffing. */
  readonly head: Uint8Array;
}

/** A source was bigger than the limit. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
  constructor(maxBytes: number) {
    super(`the media is larger than ${maxBytes} bytes; send a smaller file`);
  }
}

/** Where a blob lives: `<dir>/ab/<sha256>`, `ab` being its first two digits. */
export const blobPath = (dir: string, sha256: string): string => join(dir, sha256.slice(0, 2), sha256);

async function copyInto(handle: FileHandle, source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<WrittenBlob> {
  const hash = createHash("sha256");
  const head = new Uint8Array(SNIFF_BYTES);
  let bytes = 0;
  for await (const chunk of source) {
    if (bytes < SNIFF_BYTES) head.set(chunk.subarray(0, SNIFF_BYTES - bytes), bytes);
    bytes += chunk.length;
    if (bytes > maxBytes) throw new TooLarge(maxBytes);
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  await handle.sync();
  return { sha256: hash.digest("hex"), bytes, head };
}

export interface WriteOptions<T> {
  readonly temporaryName: string;
  readonly maxBytes: number;
  /** Runs when all is on disk; `place` gives the file its name. */
  readonly keep: (written: WrittenBlob, place: () => Promise<void>) => Promise<T>;
}

/** Streams a source into a content-addressed file. It appears under its name only when it is complete and on disk. */
export async function writeBlob<T>(
  dir: string,
  source: AsyncIterable<Uint8Array>,
  options: WriteOptions<T>,
): Promise<T> {
  const temporary = join(dir, `${options.temporaryName}.part`);
  await mkdir(dir, { recursive: true, mode: DIR_MODE });
  try {
    const handle = await open(temporary, "wx", FILE_MODE);
    const written = await copyInto(handle, source, options.maxBytes).finally(() => handle.close());
    const path = blobPath(dir, written.sha256);
    return await options.keep(written, async () => {
      await mkdir(dirname(path), { recursive: true, mode: DIR_MODE });
      await rename(temporary, path);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Copies a blob to a new file; where the file system can, the two share their blocks until one is written to. */
export async function copyBlob(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

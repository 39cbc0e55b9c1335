import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { MediaDoor } from "openclaw-host-sdk";
import { webStream } from "../../base/web-stream.ts";
import type { ContextParts } from "./context-parts.ts";

/** A file of the highest allowed size is hashed and copied within this time, ms. */
const TIMEOUT_MS = 120_000;
/** Only the gateway, which runs as the same user, reads it besides. */
const FILE_MODE = 0o600;

/**
 * Media moves through the spool folder: the guest writes a file and renames it when it is complete, the host takes it from
 * there. Only the file's name crosses the line, so memory stays flat whatever the size.
 */
export function guestMedia(parts: ContextParts, context: string): MediaDoor {
  return {
    async put(data, as) {
      const file = `${randomBytes(16).toString("hex")}.put`;
      const complete = join(parts.spoolDir(), file);
      const partial = `${complete}.part`;
      try {
        await writeStream(partial, data);
        await rename(partial, complete);
        return await parts.rpc().call("media.put", { context, file, ...as }, { timeoutMs: TIMEOUT_MS });
      } finally {
        await Promise.all([rm(partial, { force: true }), rm(complete, { force: true })]);
      }
    },
    async open(media) {
      const file = await parts.rpc().call("media.open", { context, ref: media.ref }, { timeoutMs: TIMEOUT_MS });
      const path = join(parts.spoolDir(), file);
      const handle = await open(path, "r");
      // The open file stays readable; unlinking it now leaves nothing behind when the reader gives up.
      await unlink(path);
      return webStream(createReadStream("", { fd: handle, autoClose: true }));
    },
  };
}

/** The source waits for the disk, so one chunk is in memory at a time. */
async function writeStream(path: string, data: ReadableStream<Uint8Array>): Promise<void> {
  const handle = await open(path, "wx", FILE_MODE);
  try {
    for await (const chunk of data) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
}

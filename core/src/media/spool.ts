import { constants } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MediaRef } from "openclaw-host-sdk";
import type { Ids } from "../base/ids.ts";
import type { MediaStore, PutOptions } from "./store.ts";

const DIR_MODE = 0o700;
const NAME_BYTES = 16;
/** Names a guest may give a finished file: nothing that leads out of the folder. */
const PUT_NAME = /^[0-9a-f]{32}\.put$/u;

/**
 * The folder through which media moves between the host and one guest. Only names cross the line; a file appears by a rename
 * when it is complete.
 */
export interface Spool {
  readonly dir: string;
  /** Empties the folder, or makes it. */
  reset(): Promise<void>;
  /** Takes a file the guest finished. */
  ingest(file: string, options: PutOptions): Promise<MediaRef>;
  /** Puts a copy of a blob into the folder; the guest removes it. */
  lend(ref: string): Promise<string>;
  remove(): Promise<void>;
}

export function createSpool(parts: { readonly dir: string; readonly media: MediaStore; readonly ids: Ids }): Spool {
  const { dir, media, ids } = parts;
  const remove = () => rm(dir, { recursive: true, force: true });
  return {
    dir,
    async reset() {
      await remove();
      await mkdir(dir, { recursive: true, mode: DIR_MODE });
    },
    async ingest(file, options) {
      if (!PUT_NAME.test(file)) throw new Error("this is not the name of a spool file");
      const path = join(dir, file);
      // No link is followed and a pipe does not block. The content is copied: the guest may still hold the file open.
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        if (!(await handle.stat()).isFile()) throw new Error("the spool file is not a regular file");
        return await media.put(handle.createReadStream({ autoClose: false }), options);
      } finally {
        await handle.close();
        await rm(path, { force: true });
      }
    },
    async lend(ref) {
      const file = `${ids.token(NAME_BYTES)}.get`;
      await media.copyTo(ref, join(dir, file));
      return file;
    },
    remove,
  };
}

import { createReadStream } from "node:fs";
import type { MediaRef } from "openclaw-host-sdk";
import { webStream } from "../base/web-stream.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { MediaHandle } from "../store/tables/media.ts";
import { blobPath, copyBlob, exists } from "./blob-file.ts";
import { type CollectOptions, createShelf, type MediaParts, type PutOptions, REF_BYTES } from "./shelf.ts";

export type { PutOptions } from "./shelf.ts";

/** The owner of what the core itself puts in: attachments of clients, an agent's answer. */
export const CORE_OWNER = "core";

/**
 * Blobs under `<state>/media`, shared by content, reached by handles. A handle is random, belongs to one owner and is of no
 * use to another; `grant` is how the core passes media on.
 */
export interface MediaStore {
  /** Streams a source to disk. Rejects with `TooLarge`, or `MediaFull` when all blobs together would be too large. */
  put(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<MediaRef>;
  /** Undefined when there is no such handle, or it belongs to another owner than the one asked for. */
  find(ref: string, owner?: string): Promise<MediaRef | undefined>;
  /** The content, read as the consumer asks for it. Rejects when there is no such handle. */
  open(ref: string): Promise<ReadableStream<Uint8Array>>;
  /** A handle on the same content for another owner; the same one each time. */
  grant(ref: string, to: string): Promise<MediaRef>;
  /** Copies the content to a new file. A link would let whoever gets the file change the blob for everybody. */
  copyTo(ref: string, path: string): Promise<void>;
  /** Removes what nobody needs, in small steps with pauses; ends early when `signal` aborts. */
  collect(options: CollectOptions): Promise<void>;
}

export function createMediaStore(parts: MediaParts): MediaStore {
  const { dir, store, clock, ids } = parts;
  const shelf = createShelf(parts);
  const handleOf = async (ref: string): Promise<MediaHandle> => {
    const handle = await store.run("media.find", { ref });
    if (handle === null || !(await exists(blobPath(dir, handle.sha256)))) {
      throw invalidRequest("this media is not in the media store (any more); send it again");
    }
    return handle;
  };
  return {
    async put(source, options) {
      return toRef(await shelf.put(source, options));
    },
    async find(ref, owner) {
      const handle = await store.run("media.find", { ref });
      if (handle === null || (owner !== undefined && handle.owner !== owner)) return undefined;
      return toRef(handle);
    },
    async open(ref) {
      const handle = await handleOf(ref);
      return webStream(createReadStream(blobPath(dir, handle.sha256)));
    },
    async grant(ref, to) {
      const handle = await store.run("media.grant", { ref, to, newRef: ids.token(REF_BYTES), at: clock.now() });
      if (handle === null) throw invalidRequest("this media is not in the media store (any more); send it again");
      return toRef(handle);
    },
    async copyTo(ref, path) {
      const handle = await handleOf(ref);
      await copyBlob(blobPath(dir, handle.sha256), path);
    },
    collect: (options) => shelf.collect(options),
  };
}

function toRef(handle: MediaHandle): MediaRef {
  const { ref, kind, mime, bytes, name } = handle;
  return { ref, kind, mime, bytes, ...(name === "" ? {} : { name }) };
}

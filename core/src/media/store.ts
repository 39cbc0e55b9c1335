import { createReadStream } from "node:fs";
import type { MediaKind, MediaRef } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { webStream } from "../base/web-stream.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import type { MediaHandle } from "../store/media.ts";
import { blobPath, copyBlob, exists, writeBlob } from "./blob-file.ts";
import { kindOf, mimeOf } from "./mime.ts";

/** The owner of what the core itself puts in: attachments of clients, an agent's answer. */
export const CORE_OWNER = "core";

/** Largest blob, bytes. */
export const DEFAULT_MAX_BYTES = 100_000_000;

const REF_BYTES = 18;
const MAX_NAME_CHARS = 255;

export interface PutOptions {
  /** Id of the extension the handle is valid for, or `CORE_OWNER`. */
  readonly owner: string;
  /** What the source claims; the content has the last word. */
  readonly mime?: string;
  readonly name?: string;
  /** Default: from the type. */
  readonly kind?: MediaKind;
  /** Default 100 MB. */
  readonly maxBytes?: number;
}

/**
 * Blobs under `<state>/media`, shared by content, reached by handles. A handle is random, belongs to one owner and is of no
 * use to another; `grant` is how the core passes media on.
 */
export interface MediaStore {
  /** Streams a source to disk. Rejects with `TooLarge`. */
  put(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<MediaRef>;
  /** Undefined when there is no such handle, or it belongs to another owner than the one asked for. */
  find(ref: string, owner?: string): Promise<MediaRef | undefined>;
  /** The content, read as the consumer asks for it. Rejects when there is no such handle. */
  open(ref: string): Promise<ReadableStream<Uint8Array>>;
  /** A handle on the same content for another owner; the same one each time. */
  grant(ref: string, to: string): Promise<MediaRef>;
  /** Copies the content to a new file. A link would let whoever gets the file change the blob for everybody. */
  copyTo(ref: string, path: string): Promise<void>;
}

export interface MediaParts {
  /** `<state>/media`. */
  readonly dir: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createMediaStore(parts: MediaParts): MediaStore {
  const { dir, store, clock, ids } = parts;
  const handleOf = async (ref: string): Promise<MediaHandle> => {
    const handle = await store.run("media.find", { ref });
    if (handle === null || !(await exists(blobPath(dir, handle.sha256)))) {
      throw invalidRequest("this media is not in the media store (any more); send it again");
    }
    return handle;
  };
  return {
    async put(source, options) {
      const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
      const { sha256, bytes, head } = await writeBlob(dir, source, { temporaryName: ids.token(REF_BYTES), maxBytes });
      const mime = mimeOf(head, options.mime);
      const handle: MediaHandle = {
        ref: ids.token(REF_BYTES),
        owner: options.owner,
        sha256,
        kind: options.kind ?? kindOf(mime),
        mime,
        name: (options.name ?? "").slice(0, MAX_NAME_CHARS),
        bytes,
      };
      return toRef(await store.run("media.put", { handle, at: clock.now() }));
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
  };
}

function toRef(handle: MediaHandle): MediaRef {
  const { ref, kind, mime, bytes, name } = handle;
  return { ref, kind, mime, bytes, ...(name === "" ? {} : { name }) };
}

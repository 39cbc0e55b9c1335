import type { MediaKind } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Store } from "../store/db.ts";
import type { MediaHandle } from "../store/tables/media.ts";
import { writeBlob, type WrittenBlob } from "./blob-file.ts";
import { collectBlobs, sweepFiles, sweepFolders } from "./collect.ts";
import { createGate } from "./gate.ts";
import { kindOf, mimeOf } from "./mime.ts";

/** Largest blob, bytes. */
const DEFAULT_MAX_BYTES = 100_000_000;

export const REF_BYTES = 18;
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

export interface MediaParts {
  /** `<state>/media`. */
  readonly dir: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Most bytes of all blobs together. Default: no limit. */
  readonly maxTotalBytes?: () => number;
}

/** The blobs take as much as they may. */
class MediaFull extends Error {
  override readonly name = "MediaFull";
  constructor(maxTotalBytes: number) {
    super(
      `the media store holds the ${maxTotalBytes} bytes that it may: raise retention.mediaTotalBytes or set retention.mediaDays`,
    );
  }
}

/** Between two steps of a collection, ms: messages come first. */
const PAUSE_MS = 50;

export interface CollectOptions {
  /** See `CollectLimits`. */
  readonly maxAgeMs?: number;
  /** What age is measured by, epoch ms. Default the clock's time. */
  readonly now?: number;
  readonly signal: AbortSignal;
}

/** Files and the rows that know them. Collecting and giving a file its name exclude each other. */
export interface Shelf {
  put(source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<MediaHandle>;
  collect(options: CollectOptions): Promise<void>;
}

export function createShelf(parts: MediaParts): Shelf {
  const { dir, store, clock, ids } = parts;
  const gate = createGate();
  const most = () => parts.maxTotalBytes?.() ?? Infinity;
  /** Of all blobs, bytes, once it was asked for. */
  let size: number | undefined;

  function handleFor({ sha256, bytes, head }: WrittenBlob, options: PutOptions): MediaHandle {
    const mime = mimeOf(head, options.mime);
    const name = (options.name ?? "").slice(0, MAX_NAME_CHARS);
    const kind = options.kind ?? kindOf(mime);
    return { ref: ids.token(REF_BYTES), owner: options.owner, sha256, kind, mime, name, bytes };
  }

  async function keep(handle: MediaHandle, place: () => Promise<void>): Promise<MediaHandle> {
    if ((size ?? 0) + handle.bytes > most()) {
      const [unknown] = await store.run("media.unknown", { names: [handle.sha256] });
      if (unknown !== undefined) throw new MediaFull(most());
    }
    await place();
    const { kept, isNew } = await store.run("media.put", { handle, at: clock.now() });
    if (isNew) size = (size ?? 0) + handle.bytes;
    return kept;
  }

  return {
    async put(source, options) {
      size ??= await store.run("media.size", {});
      if (size >= most()) throw new MediaFull(most());
      return writeBlob(dir, source, {
        temporaryName: ids.token(REF_BYTES),
        maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
        keep: (written, place) => gate.shared(() => keep(handleFor(written, options), place)),
      });
    },
    async collect({ signal, now = clock.now(), ...limits }) {
      const files = { dir, store, gate };
      while (!signal.aborted) {
        const freed = await collectBlobs(files, { now, ...limits });
        if (freed === undefined) break;
        size = size === undefined ? undefined : size - freed;
        await clock.sleep(PAUSE_MS, signal);
      }
      for (const folder of await sweepFolders(dir)) {
        if (signal.aborted) return;
        await sweepFiles(files, folder, now);
        await clock.sleep(PAUSE_MS, signal);
      }
    },
  };
}

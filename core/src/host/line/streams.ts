import type { Rpc } from "./rpc.ts";

/** A chunk never crosses the line bigger than this, bytes: it bounds the memory of a transfer on both sides. */
export const STREAM_CHUNK_BYTES = 262_144;
/** One read may wait this long for a slow source, ms. */
const READ_TIMEOUT_MS = 120_000;
/** Streams one side may have offered and not yet finished. */
const MAX_STREAMS = 1_000;

/** The two methods by which either side reads a stream of the other. */
export interface StreamMethods {
  "stream.read": { params: { stream: number }; result: Uint8Array | null };
  "stream.cancel": { params: { stream: number }; result: null };
}

interface Offered {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** The rest of a chunk that was bigger than a message. */
  rest: Uint8Array | undefined;
}

/** Streams this side offers by handle. The other side pulls, so nothing piles up on the line. */
export interface StreamTable {
  /** Returns the handle by which the other side reads. Throws when too many are open. */
  offer(stream: ReadableStream<Uint8Array>): number;
  /** The next chunk, null at the end. Throws for a stream that is over. */
  read(handle: number): Promise<Uint8Array | null>;
  /** Nobody reads on; harmless for a stream that is over. */
  cancel(handle: number): Promise<void>;
  /** Cancels everything that was not read to its end. */
  close(): Promise<void>;
}

/** Handles count up and are never used again. */
export function createStreamTable(): StreamTable {
  const offered = new Map<number, Offered>();
  let last = 0;
  const need = (handle: number): Offered => {
    const entry = offered.get(handle);
    if (entry === undefined) throw new Error("this stream is over");
    return entry;
  };
  const next = async (entry: Offered): Promise<Uint8Array | undefined> => {
    if (entry.rest !== undefined) return entry.rest;
    const { done, value } = await entry.reader.read();
    return done ? undefined : value;
  };
  const cancel = async (handle: number) => {
    const entry = offered.get(handle);
    offered.delete(handle);
    // A source that fails while it is being thrown away has nobody left to tell.
    await entry?.reader.cancel().catch(() => {});
  };
  return {
    offer(stream) {
      if (offered.size >= MAX_STREAMS) throw new Error(`${MAX_STREAMS} streams are open already; read or cancel some`);
      offered.set(++last, { reader: stream.getReader(), rest: undefined });
      return last;
    },
    async read(handle) {
      const entry = need(handle);
      try {
        const chunk = await next(entry);
        if (chunk === undefined) {
          offered.delete(handle);
          return null;
        }
        entry.rest = chunk.length > STREAM_CHUNK_BYTES ? chunk.subarray(STREAM_CHUNK_BYTES) : undefined;
        // A copy: a view would drag its whole backing buffer across the line.
        return chunk.slice(0, STREAM_CHUNK_BYTES);
      } catch (error) {
        offered.delete(handle);
        throw error;
      }
    },
    cancel,
    async close() {
      await Promise.all([...offered.keys()].map(cancel));
    },
  };
}

/** A stream of the other side, read one chunk at a time as the consumer asks for it. */
export function remoteStream(rpc: Rpc<StreamMethods>, handle: number): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await rpc.call("stream.read", { stream: handle }, { timeoutMs: READ_TIMEOUT_MS });
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
      async cancel() {
        await rpc.call("stream.cancel", { stream: handle }, { timeoutMs: READ_TIMEOUT_MS });
      },
    },
    { highWaterMark: 0 },
  );
}

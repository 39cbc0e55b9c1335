import { Readable } from "node:stream";

/** Bytes read ahead of the consumer. */
const READ_AHEAD_BYTES = 262_144;

/** A Node stream of bytes as a web stream that reads a bounded number of bytes ahead of its consumer, whatever Node's default is. */
export function webStream(stream: Readable): ReadableStream<Uint8Array> {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES });
  return Readable.toWeb(stream, { strategy }) as ReadableStream<Uint8Array>;
}

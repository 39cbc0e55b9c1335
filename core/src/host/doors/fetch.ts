import type { Call } from "openclaw-host-sdk";
import type { FetchAnswer, FetchOrder } from "../line/host-methods.ts";
import { remoteStream } from "../line/streams.ts";
import type { Exchange } from "../net/exchange.ts";
import { guardedFetch } from "../net/fetch.ts";
import type { DoorParts } from "./parts.ts";

/** A body up to this size is sent with its length; some servers refuse chunked uploads. Bytes. */
const WHOLE_BODY_BYTES = 262_144;
/** Decoded already, or meaningful for the host's connection only. */
const DROPPED: readonly string[] = [
  "content-encoding",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
];

/** `ctx.fetch`: the host makes the request, so that its guard cannot be gone round. */
export function fetchDoor(
  parts: Pick<DoorParts, "contexts" | "exchanger" | "streams" | "rpc">,
): (order: FetchOrder, call: Call) => Promise<FetchAnswer> {
  return async (order, { signal }) => {
    const { egress } = parts.contexts.need(order.context);
    const body = order.body === undefined ? undefined : await wholeOrStream(remoteStream(parts.rpc(), order.body));
    const result = await guardedFetch({ egress, exchanger: parts.exchanger }, { order, body, signal });
    return {
      url: result.url,
      redirected: result.redirected,
      status: result.message.statusCode ?? 0,
      statusText: result.message.statusMessage ?? "",
      headers: pairs(result.message.rawHeaders).filter(([name]) => !DROPPED.includes(name.toLowerCase())),
      body: parts.streams.offer(result.body),
    };
  };
}

/** Names and values in the order and case the server sent them; several `set-cookie` stay several. */
function pairs(raw: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) result.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  return result;
}

/** A small body as a whole, a big one as the stream it is. */
async function wholeOrStream(stream: ReadableStream<Uint8Array>): Promise<Exchange["body"]> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= WHOLE_BODY_BYTES) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(Buffer.concat(chunks));
    chunks.push(value);
    bytes += value.length;
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const early = chunks.shift();
        if (early !== undefined) return controller.enqueue(early);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

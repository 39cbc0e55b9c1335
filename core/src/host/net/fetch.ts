import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { webStream } from "../../base/web-stream.ts";
import type { FetchOrder } from "../line/host-methods.ts";
import type { Egress } from "./egress.ts";
import type { Exchange, Exchanger } from "./exchange.ts";

/** Largest answer, bytes after decompression. */
const MAX_ANSWER_BYTES = 100_000_000;
/** The whole request, redirects and body included, ms. */
const MAX_TOTAL_MS = 300_000;
/** An ordinary chain has one or two hops. */
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Not sent on to another origin (https://fetch.spec.whatwg.org/#http-redirect-fetch). */
const CREDENTIALS: readonly string[] = ["authorization", "cookie", "proxy-authorization"];
/** Belong to the connection or would let a guest speak for somebody else. */
const OWN_HEADERS: readonly string[] = [
  "connection",
  "host",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "accept-encoding",
];

/** What an extension asks for; the body was opened already. */
export interface FetchRequest {
  readonly order: FetchOrder;
  readonly body: Exchange["body"];
  readonly signal: AbortSignal;
}

/** The answer, whose body is read as the consumer asks for it. */
export interface FetchResult {
  readonly url: string;
  readonly redirected: boolean;
  readonly message: IncomingMessage;
  readonly body: ReadableStream<Uint8Array>;
}

/** Requests a URL in the name of an extension: asks the rules for each address on the way, follows redirects, limits the answer. */
export async function guardedFetch(
  parts: { readonly egress: Egress; readonly exchanger: Exchanger },
  request: FetchRequest,
): Promise<FetchResult> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(MAX_TOTAL_MS)]);
  const first = parseUrl(request.order.url);
  let next: Exchange = {
    url: first,
    method: request.order.method,
    headers: prepared(request.order.headers),
    body: request.body,
    signal,
    exempt: parts.egress.exempt(first),
  };
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const refusal = parts.egress.refusal(next.url);
    if (refusal !== undefined) throw new Error(refusal);
    const message = await parts.exchanger.send(next);
    const target = redirectOf(message, next.url);
    if (target === undefined || request.order.redirect === "manual") {
      return { url: next.url.href, redirected: hops > 0, message, body: limited(decoded(message)) };
    }
    message.resume();
    if (request.order.redirect === "error") throw new Error(`${next.url.origin} redirects, which this request forbids`);
    next = following(next, target, message.statusCode ?? 0);
  }
  throw new Error(`${first.origin} redirects more than ${MAX_REDIRECTS} times`);
}

/** Whether the address may be requested is asked at every hop, by the egress rules. */
function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new Error("this is not an address; give an absolute http or https URL");
  return url;
}

/** The host speaks for itself in the headers of the connection, and asks for what it can unpack. */
function prepared(headers: FetchOrder["headers"]): FetchOrder["headers"] {
  const own = headers.filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
  return [...own, ["accept-encoding", "gzip, deflate, br"]];
}

/** Where a redirect leads; a broken `Location` is an answer like any other. */
function redirectOf(message: IncomingMessage, base: URL): URL | undefined {
  const { location } = message.headers;
  if (location === undefined || !REDIRECTS.includes(message.statusCode ?? 0)) return undefined;
  return URL.parse(location, base.href) ?? undefined;
}

/** The next request of a redirect. An operator's endpoint is exempt by itself, what it redirects to is not. */
function following(from: Exchange, url: URL, status: number): Exchange {
  const toGet = status === 303 ? from.method !== "HEAD" : status <= 302 && from.method === "POST";
  if (!toGet && from.body instanceof ReadableStream) {
    throw new Error(`${from.url.origin} redirects an upload, which cannot be sent twice`);
  }
  const dropped = from.url.origin === url.origin ? [] : CREDENTIALS;
  return {
    ...from,
    url,
    exempt: false,
    headers: from.headers.filter(([name]) => !dropped.includes(name.toLowerCase())),
    ...(toGet ? { method: "GET", body: undefined } : {}),
  };
}

/** Undefined for a body that is not packed, or packed in a way nobody asked for. */
function decoderOf(message: IncomingMessage): Duplex | undefined {
  switch (message.headers["content-encoding"]?.toLowerCase()) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** The body without its transfer coding, as `fetch` promises. */
function decoded(message: IncomingMessage): ReadableStream<Uint8Array> {
  const decoder = decoderOf(message);
  if (decoder === undefined) return webStream(message);
  message.once("error", (error) => decoder.destroy(error));
  decoder.once("close", () => message.destroy());
  return webStream(message.pipe(decoder));
}

/** Counted after unpacking: a small answer may unpack to any size. */
function limited(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) controller.error(new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return body.pipeThrough(count);
}

import type { FetchAnswer } from "../line/host-methods.ts";
import { remoteStream } from "../line/streams.ts";
import type { ContextParts } from "./context-parts.ts";

/** The host ends a request by its own limits well before this, ms. */
const TIMEOUT_MS = 300_000;
/** A body of these statuses is an error of the constructor (https://fetch.spec.whatwg.org/#null-body-status). */
const NULL_BODY: readonly number[] = [101, 103, 204, 205, 304];

/** `fetch` as the extension sees it; the request itself is made by the host, behind its guard. Bodies are streamed both ways. */
export function guestFetch(parts: ContextParts, context: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, withDuplex(init));
    const body = request.body === null ? {} : { body: parts.streams.offer(request.body) };
    const order = {
      context,
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      redirect: request.redirect,
      ...body,
    };
    request.signal.throwIfAborted();
    const answer = await parts.rpc().call("fetch", order, { timeoutMs: TIMEOUT_MS, signal: request.signal });
    return toResponse(parts, answer);
  };
}

/** Node wants `duplex` with every streamed body; other platforms' code does not know the option. */
function withDuplex(init: RequestInit | undefined): RequestInit | undefined {
  return init?.body instanceof ReadableStream ? { duplex: "half", ...init } : init;
}

/** `url` and `redirected` can only be read on a `Response`, not given to its constructor. */
function toResponse(parts: ContextParts, answer: FetchAnswer): Response {
  const empty = answer.body === undefined || NULL_BODY.includes(answer.status);
  const body = empty ? null : remoteStream(parts.rpc(), answer.body ?? 0);
  const headers = answer.headers.map(([name, value]): [string, string] => [name, value]);
  const response = new Response(body, { status: answer.status, statusText: answer.statusText, headers });
  Object.defineProperty(response, "url", { value: answer.url });
  Object.defineProperty(response, "redirected", { value: answer.redirected });
  return response;
}

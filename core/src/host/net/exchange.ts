import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import type { ClientRequest, IncomingMessage } from "node:http";
import { type LookupFunction, isIP } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isPublicAddress } from "./address.ts";

/** One request, after every rule about where it goes has been asked. */
export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  /** True when the address may be on this machine or its networks. */
  readonly exempt: boolean;
}

/** Makes requests over connections of its own, so that an exempt connection is never reused for a guarded one. */
export interface Exchanger {
  send(exchange: Exchange): Promise<IncomingMessage>;
  close(): void;
}

/** What an author reads; it names what was asked for and not where a name led to. */
const refused = (host: string) =>
  new Error(`${host} leads to a private address; only endpoints written in the configuration may be private`);

/** Looks the name up and refuses when any of its addresses is private: the check and the connection use the same answer. */
const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
      if (error !== null) return callback(error, "", 0);
      const [first] = found;
      if (first === undefined || found.some(({ address }) => !isPublicAddress(address))) {
        return callback(refused(hostname), "", 0);
      }
      if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };

/** `dns.lookup` asked for every address. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** `close` ends every connection that is kept alive. */
export function createExchanger(resolve: Resolve = lookup): Exchanger {
  let clients: { readonly guarded: Client; readonly exempt: Client } | undefined;
  return {
    send(exchange) {
      const literal = exchange.url.hostname.replace(/^\[|\]$/gu, "");
      if (!exchange.exempt && isIP(literal) !== 0 && !isPublicAddress(literal)) return Promise.reject(refused(literal));
      clients ??= { guarded: openClient(publicLookup(resolve)), exempt: openClient() };
      const request = (exchange.exempt ? clients.exempt : clients.guarded).request(exchange);
      return new Promise((resolve, reject) => {
        request.once("response", resolve);
        request.once("error", reject);
        if (exchange.body instanceof ReadableStream) pipeline(Readable.fromWeb(exchange.body), request).catch(reject);
        else request.end(exchange.body);
      });
    },
    close() {
      clients?.guarded.close();
      clients?.exempt.close();
    },
  };
}

/** Connections of one kind: all of them guarded, or all of them exempt. */
interface Client {
  request(exchange: Exchange): ClientRequest;
  close(): void;
}

/** Node's HTTP client costs 20 ms and 16 MB when it is loaded, so that happens with the first request, not at the start. */
function openClient(lookupBy?: LookupFunction): Client {
  const http = process.getBuiltinModule("node:http");
  const https = process.getBuiltinModule("node:https");
  const agents = { plain: new http.Agent({ keepAlive: true }), secure: new https.Agent({ keepAlive: true }) };
  return {
    request(exchange) {
      const { url, method, signal } = exchange;
      const options = { method, headers: headersOf(exchange), signal, ...(lookupBy && { lookup: lookupBy }) };
      return url.protocol === "https:"
        ? https.request(url, { ...options, agent: agents.secure })
        : http.request(url, { ...options, agent: agents.plain });
    },
    close() {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

/** A body of known length is sent with it; a stream is sent in chunks. */
function headersOf({ headers, body }: Exchange): Record<string, string[]> {
  const joined: Record<string, string[]> = {};
  for (const [name, value] of headers) (joined[name] ??= []).push(value);
  if (body instanceof Uint8Array) joined["content-length"] = [String(body.length)];
  return joined;
}

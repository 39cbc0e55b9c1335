import { type LookupAddress, lookup } from "node:dns";
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
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

const refused = (host: string) =>
  new Error(`${host} leads to a private address; only endpoints written in the configuration may be private`);

/** Looks the name up and refuses when any of its addresses is private: the check and the connection use the same answer. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
    if (error !== null) return callback(error, "", 0);
    const [first] = found;
    if (first === undefined || found.some(({ address }) => !isPublicAddress(address))) {
      return callback(refused(hostname), "", 0);
    }
    if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** `close` ends every connection that is kept alive. */
export function createExchanger(): Exchanger {
  const agents = {
    guarded: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
    exempt: { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) },
  };
  return {
    send(exchange) {
      const literal = exchange.url.hostname.replace(/^\[|\]$/gu, "");
      if (!exchange.exempt && isIP(literal) !== 0 && !isPublicAddress(literal)) return Promise.reject(refused(literal));
      const pool = exchange.exempt ? agents.exempt : agents.guarded;
      const secure = exchange.url.protocol === "https:";
      const options = {
        method: exchange.method,
        headers: headersOf(exchange),
        signal: exchange.signal,
        agent: secure ? pool.https : pool.http,
        ...(exchange.exempt ? {} : { lookup: publicLookup }),
      };
      return new Promise((resolve, reject) => {
        const request = (secure ? httpsRequest : httpRequest)(exchange.url, options, resolve);
        request.once("error", reject);
        if (exchange.body instanceof ReadableStream) pipeline(Readable.fromWeb(exchange.body), request).catch(reject);
        else request.end(exchange.body);
      });
    },
    close() {
      for (const pool of [agents.guarded, agents.exempt]) {
        pool.http.destroy();
        pool.https.destroy();
      }
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

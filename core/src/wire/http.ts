import type { IncomingMessage, ServerResponse } from "node:http";
import { type OriginPolicy, originFault } from "../auth/origin.ts";
import { type PeerFacts, isLocalPeer } from "../auth/local-trust.ts";
import type { Logger } from "../base/log.ts";
import type { FrontDoor } from "./front-door.ts";
import { type Answer, COMMON_HEADERS, OWN_POLICY, answerWith } from "./http-answer.ts";
import { LIMITS } from "./limits.ts";

/** A part of the gateway that answers HTTP under a path. Bodies are limited to 1 MiB, answers to 30 s. */
export interface Room {
  /** `/name` or `/name/`: the room takes this path and everything below it. */
  readonly prefix: `/${string}`;
  handle(request: Request): Response | Promise<Response>;
}

export interface HttpParts {
  readonly frontDoor: FrontDoor;
  /** Web pages whose requests may have effects. */
  readonly origins: OriginPolicy;
  readonly rooms: readonly Room[];
  /** What keeps the gateway from its work; `/readyz` tells it to programs of this host. */
  readonly problems: () => readonly string[];
  readonly localTrust: "on" | "off";
  readonly log: Logger;
}

const NOT_FOUND: Answer = { status: 404, body: "Not Found" };
const FOREIGN_PAGE: Answer = {
  status: 403,
  body: "Forbidden: this page may not do that. Allow its origin in gateway.controlUi.allowedOrigins.",
};

/** Answers requests: health probes, then rooms by path, else 404 (wire protocol sections 0 and 10). */
export function createHttpHandler(parts: HttpParts): (request: IncomingMessage, response: ServerResponse) => void {
  async function enter(room: Room, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await withDeadline(room, incoming);
      response.statusCode = answer.status;
      setHeaders(response, answer.headers);
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch (error) {
      if (error instanceof TooLarge) return answerWith(response, { status: 413, body: "Payload Too Large" });
      parts.log.error("an HTTP request failed", { path: room.prefix, error });
      answerWith(response, { status: 500, body: "Internal Server Error" });
    }
  }

  return (incoming, response) => {
    const admittance = parts.frontDoor.request(incoming);
    if (!admittance.ok) return answerWith(response, admittance.answer);
    const path = pathOf(incoming);
    if (path === undefined) return answerWith(response, { status: 400, body: "Bad Request" });
    const probe = probeAnswer(path, admittance.peer, parts);
    if (probe !== undefined) return answerWith(response, withMethod(probe, incoming.method));
    const room = parts.rooms.find(({ prefix }) => path === prefix || path.startsWith(`${prefix.replace(/\/$/, "")}/`));
    if (room === undefined) return answerWith(response, NOT_FOUND);
    if (isForgery(incoming, admittance.peer, parts.origins)) return answerWith(response, FOREIGN_PAGE);
    void enter(room, incoming, response);
  };
}

/** Methods that a page may use anywhere without effect, or with nothing to read (RFC 9110, 9.2.1). */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a web page of another origin wants an effect. Browsers send such requests without asking as long as they look like
 * a form's (text/plain too), and name the page in Origin.
 */
function isForgery({ method, headers }: IncomingMessage, peer: PeerFacts, origins: OriginPolicy): boolean {
  if (SAFE_METHODS.has(method)) return false;
  if (peer.origin !== undefined)
    return originFault(peer, NO_CLIENT, origins) !== undefined || peer.origin.trim() === "";
  return headers["sec-fetch-site"] === "cross-site";
}

const NO_CLIENT = { id: "", mode: "" } as const;

/** A room's headers over those that every answer has; which pages may read answers is not for rooms to say. */
function setHeaders(response: ServerResponse, own: Headers): void {
  const defaults = { ...COMMON_HEADERS, "content-security-policy": OWN_POLICY };
  for (const [name, value] of Object.entries(defaults)) if (!own.has(name)) response.setHeader(name, value);
  for (const [name, value] of own) if (!name.startsWith("access-control-")) response.appendHeader(name, value);
}

/** Reasons name accounts and agents, so others than programs of this host learn the state alone; `health` tells them to operators. */
function probeAnswer(
  path: string,
  peer: PeerFacts,
  { problems, localTrust }: Pick<HttpParts, "problems" | "localTrust">,
): Answer | undefined {
  const json = (status: number, body: object): Answer => ({
    status,
    body: JSON.stringify(body),
    type: "application/json",
  });
  if (path === "/healthz" || path === "/health") return json(200, { ok: true, status: "live" });
  if (path !== "/readyz" && path !== "/ready") return undefined;
  const reasons = problems();
  if (reasons.length === 0) return json(200, { ready: true });
  return json(503, { ready: false, ...(isLocalPeer(peer, localTrust) ? { reasons } : {}) });
}

const withMethod = (answer: Answer, method: string | undefined): Answer =>
  method === "GET" || method === "HEAD" ? answer : { status: 405, body: "Method Not Allowed", allow: "GET, HEAD" };

/** The path with every escape undone once, or undefined when it is malformed or climbs. */
function pathOf(incoming: IncomingMessage): string | undefined {
  try {
    const path = decodeURIComponent((incoming.url ?? "/").split("?", 1)[0] ?? "/");
    return path.startsWith("/") && !path.split("/").includes("..") ? path : undefined;
  } catch {
    return undefined;
  }
}

class TooLarge extends Error {
  override readonly name = "TooLarge";
}

async function withDeadline(room: Room, incoming: IncomingMessage): Promise<Response> {
  const signal = AbortSignal.timeout(LIMITS.httpHandlerMs);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error(`no answer within ${LIMITS.httpHandlerMs} ms`)), {
      once: true,
    });
  });
  return Promise.race([Promise.resolve(room.handle(await toRequest(incoming, signal))), late]);
}

async function toRequest(incoming: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const method = incoming.method ?? "GET";
  const hasBody = method !== "GET" && method !== "HEAD";
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
  }
  // The Host header is the client's word; the name in the URL means nothing here.
  const url = new URL(incoming.url ?? "/", "http://gateway.invalid");
  return new Request(url, { method, headers, signal, ...(hasBody ? { body: await bodyOf(incoming) } : {}) });
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMITS.httpBodyBytes) throw new TooLarge();
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

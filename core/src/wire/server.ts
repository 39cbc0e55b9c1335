import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type Answer, answerRaw, answerWith } from "./http-answer.ts";
import { LIMITS } from "./limits.ts";
import { createTakingTurns } from "./taking-turns.ts";
import { type TlsPair, type TlsPort, createTlsPort } from "./tls-port.ts";

/** Where to listen. Port 0 takes a free one, the same on every host. */
export interface ListenOptions {
  /** Addresses; the first must be bindable. Default: 127.0.0.1 and, when the machine has it, ::1. */
  readonly hosts?: readonly string[];
  readonly port: number;
  /** Speaks https and wss only. Default: http and ws only. */
  readonly tls?: TlsPair;
}

export interface Listening {
  readonly port: number;
  /** The addresses that are bound. */
  readonly hosts: readonly string[];
  /** Shows another certificate to newcomers; only for a port with TLS. Throws when it cannot be used. */
  renew(tls: TlsPair): void;
  /** Takes no new sockets; resolves when all have gone. HTTP requests in flight get the close grace, WebSockets are not touched. */
  close(): Promise<void>;
}

export interface ServerParts {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** A TCP connection, before anything was read from it. */
  readonly onConnection?: (socket: Socket) => void;
  /** Its TLS handshake is done: requests come over `secured`. */
  readonly onSecured?: (socket: Socket, secured: Duplex) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "::1"];

/** Why another address besides the first may be left out: the machine lacks it, or somebody else has the port there. */
const LEAVE_OUT: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EADDRINUSE"]);

/** One port for HTTP and WebSocket on several addresses. Rejects when the first cannot be bound, saying what to do. */
export async function listen(parts: ServerParts, options: ListenOptions): Promise<Listening> {
  const { hosts = LOOPBACK_HOSTS, port, tls } = options;
  const [first = "127.0.0.1", ...others] = hosts;
  const ports = [await bind(parts, { host: first, port, tls }).catch(explain(first, port))];
  const bound = [first];
  const actual = portOf(ports[0]?.server);
  for (const host of others) {
    try {
      ports.push(await bind(parts, { host, port: actual, tls }));
      bound.push(host);
    } catch (error) {
      if (!LEAVE_OUT.has(codeOf(error))) {
        await Promise.all(ports.map((each) => closePort(each, parts.clock)));
        throw error;
      }
      // Somebody else on the port of a second loopback address could take clients in; the operator should know.
      // An address that was asked for and is not there yet (a tailnet that is still connecting) matters, too.
      const level = codeOf(error) === "EADDRINUSE" || hosts !== LOOPBACK_HOSTS ? "warn" : "debug";
      parts.log[level]("does not listen on an address", { host, port: actual, code: codeOf(error) });
    }
  }
  return {
    port: actual,
    hosts: bound,
    renew: (next) => ports.forEach((each) => each.renew(next)),
    close: async () => void (await Promise.all(ports.map((each) => closePort(each, parts.clock)))),
  };
}

// An import statement would read every property of the module, also those that load Node's HTTP client: 20 ms and 16 MB.
const { createServer } = process.getBuiltinModule("node:http");

const SERVER_OPTIONS = {
  headersTimeout: LIMITS.httpHeadersMs,
  requestTimeout: LIMITS.httpRequestMs,
  connectionsCheckingInterval: LIMITS.httpHeadersMs / 2,
  // Answered by the gateway itself, with its headers.
  requireHostHeader: false,
} as const;

/** A port without TLS has no handshakes and no certificate. */
function openPort({ onSecured = () => {}, clock, log }: ServerParts, tls: TlsPair | undefined): TlsPort {
  if (tls !== undefined) return createTlsPort({ onSecured, clock, log }, SERVER_OPTIONS, tls);
  const nothing = (): void => {};
  return { server: createServer(SERVER_OPTIONS), renew: nothing, endHandshakes: nothing };
}

const TIMED_OUT = "ERR_HTTP_REQUEST_TIMEOUT";

/**
 * Node looks every few seconds which requests are late and names all of them at once. To answer one and to close its socket
 * takes about 30 microseconds of system calls: 2,048 in one turn of the event loop would keep everybody waiting for 60 ms.
 */
const LATE_PER_TURN = 16;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsPair | undefined;
}

function bind(parts: ServerParts, { host, port, tls }: Place): Promise<TlsPort> {
  const opened = openPort(parts, tls);
  const { server } = opened;
  // By default Node drops headers after the 2,000th in silence: a proxy's word about its client could be among them. What
  // a request holds in all stays limited (16 KiB, `http.maxHeaderSize`).
  server.maxHeadersCount = 0;
  server.on("checkExpectation", (_request, response) =>
    answerWith(response, { status: 417, body: "Expectation Failed" }),
  );
  const answering = new WeakSet<Duplex>();
  const soon = createTakingTurns(LATE_PER_TURN);
  server.on("clientError", (error, socket) => {
    const code = codeOf(error);
    // An answer that is half written must not be followed by another one, nor may one go into a WebSocket.
    const end = (): void => void (answering.has(socket) ? socket.destroy() : answerRaw(socket, unreadable(code)));
    if (code === TIMED_OUT) soon(end);
    else end();
  });
  server.on("request", (request, response) => {
    answering.add(request.socket);
    response.once("close", () => answering.delete(request.socket));
    parts.onRequest(request, response);
  });
  server.on("upgrade", (request, socket, head) => {
    answering.add(socket);
    parts.onUpgrade(request, socket, head);
  });
  if (parts.onConnection !== undefined) server.on("connection", parts.onConnection);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", (error) => parts.log.error("a listening socket failed", { host, port, error }));
      resolve(opened);
    });
  });
}

/** What Node would answer to a request it cannot read, without any header. */
function unreadable(code: string): Answer {
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, body: "Request Header Fields Too Large" };
  if (code === TIMED_OUT) return { status: 408, body: "Request Timeout" };
  return { status: 400, body: "Bad Request" };
}

function closePort(port: TlsPort, clock: Clock): Promise<void> {
  const { server } = port;
  port.endHandshakes();
  return new Promise((resolve) => {
    const cancelGrace = clock.after(LIMITS.closeGraceMs, () => server.closeAllConnections());
    server.close(() => {
      cancelGrace();
      resolve();
    });
    server.closeIdleConnections();
  });
}

function portOf(server: Server | undefined): number {
  const address: AddressInfo | string | null | undefined = server?.address();
  if (typeof address !== "object" || address === null) throw new Error("a TCP server has no port");
  return address.port;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program uses it: stop that program or choose another port",
  EACCES: "this user may not use it: choose a port above 1023",
  EADDRNOTAVAIL: "this machine does not have that address: correct gateway.bind",
};

const explain =
  (host: string, port: number) =>
  (error: unknown): never => {
    const fix = FIXES[codeOf(error)] ?? (error instanceof Error ? error.message : "the system refused");
    throw new Error(`cannot listen on ${host} port ${port}: ${fix}`, { cause: error });
  };

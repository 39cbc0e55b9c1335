import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { answerRaw } from "./http-answer.ts";
import { LIMITS } from "./limits.ts";

/** A certificate with its chain and its key, both PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPortParts {
  /** A handshake is done: what comes from `secured` is what `raw` carries. */
  readonly onSecured: (raw: Socket, secured: Duplex) => void;
  readonly clock: Pick<Clock, "after">;
  readonly log: Logger;
}

/** A server whose sockets are encrypted before anything else happens. */
export interface TlsPort {
  readonly server: Server;
  /** Handshakes from now on show this certificate; open sockets stay as they are. Throws when it cannot be used. */
  renew(pair: TlsPair): void;
  /** Ends the handshakes that are under way. */
  endHandshakes(): void;
}

/** TLS 1.2 is the oldest version without known breaks. Source: RFC 8996. */
const secureOptions = ({ cert, key }: TlsPair) => ({ cert, key, minVersion: "TLSv1.2" }) as const;

/** First byte of every TLS connection: a record of type handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 22;

/** Without this whoever forgets the `s` of https would only see the connection end. */
const PLAIN = {
  status: 400,
  body: "Bad Request: this port is encrypted. Write https:// or wss:// instead of http:// or ws://.",
} as const;

/** Makes it; the modules of TLS are loaded by the first. */
export function createTlsPort(parts: TlsPortParts, options: ServerOptions, pair: TlsPair): TlsPort {
  const { createServer } = process.getBuiltinModule("node:https");
  const server = createServer({ ...options, ...secureOptions(pair) });
  const handshakes = createHandshakes(parts);
  // The TLS server's own listener; it is called once the first byte is known to be TLS.
  const [secure, ...others] = server.listeners("connection");
  if (secure === undefined || others.length > 0) throw new Error("node:https serves connections in an unknown way");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    handshakes.begin(socket);
    peek(socket, () => secure.call(server, socket));
  });
  server.on("secureConnection", (secured) => {
    const raw = handshakes.end(secured);
    if (raw !== undefined) parts.onSecured(raw, secured);
  });
  // By default Node hands these to `clientError`, whose answer could never be read.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (error, socket) => {
    parts.log.debug("a TLS handshake failed", { peer: socket.remoteAddress ?? "", error });
    socket.destroy();
  });
  return {
    server,
    renew: (next) => server.setSecureContext(secureOptions(next)),
    endHandshakes: () => handshakes.stop(),
  };
}

/** Looks at the first byte, leaves it to be read, and goes on when it begins a TLS handshake. */
function peek(socket: Socket, secure: () => void): void {
  // Until the TLS layer or the answer listens for errors, nobody does.
  const onError = (): void => void socket.destroy();
  socket.on("error", onError);
  socket.once("readable", () => {
    const data: unknown = socket.read();
    // The peer closed without a word.
    if (!Buffer.isBuffer(data)) return void socket.destroy();
    if (data[0] !== HANDSHAKE_RECORD) return answerRaw(socket, PLAIN);
    socket.unshift(data);
    socket.off("error", onError);
    secure();
  });
}

interface Handshake {
  readonly socket: Socket;
  readonly cancel: Undo;
}

/** Sockets whose handshake is not done; each has so long for it, however many bytes it sends meanwhile. */
function createHandshakes({ clock }: Pick<TlsPortParts, "clock">) {
  const pending = new Map<string, Handshake>();
  function end(socket: Ends): Socket | undefined {
    const name = endsOf(socket);
    const handshake = pending.get(name);
    handshake?.cancel();
    pending.delete(name);
    return handshake?.socket;
  }
  return {
    begin(socket: Socket): void {
      const name = endsOf(socket);
      const cancel = clock.after(LIMITS.handshakeTimeoutMs, () => socket.destroy());
      pending.set(name, { socket, cancel });
      socket.once("close", () => {
        // The same ends may be in use again.
        if (pending.get(name)?.socket !== socket) return;
        cancel();
        pending.delete(name);
      });
    },
    end,
    stop(): void {
      for (const { socket } of pending.values()) socket.destroy();
    },
  };
}

type Ends = Pick<Socket, "remoteAddress" | "remotePort" | "localAddress">;

/** Names a TCP connection of one port among those that are open; the encrypted socket has the same name as the one below it. */
const endsOf = ({ remoteAddress, remotePort, localAddress }: Ends): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

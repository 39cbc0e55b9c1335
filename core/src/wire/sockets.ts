import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { canonicalAddress } from "../auth/addresses.ts";
import type { PeerFacts } from "../auth/local-trust.ts";
import { connId } from "../base/brand.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { Connection } from "./connection.ts";
import type { FrontDoor } from "./front-door.ts";
import { answerRaw } from "./http-answer.ts";
import type { Limits } from "./limits.ts";
import { createWaitingRoom, type WaitingRoom } from "./waiting-room.ts";

export interface SocketsParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly limits: Limits;
  readonly frontDoor: FrontDoor;
  readonly onMessage: (connection: Connection, data: Buffer) => void;
  readonly onGone: (connection: Connection) => void;
}

/** Connections by what they were admitted as. */
export interface Who {
  readonly identity: string;
  readonly role?: "operator" | "node";
}

export interface Goodbye {
  readonly code: number;
  readonly reason: string;
}

/** Every WebSocket of the gateway, from upgrade to close. */
export interface Sockets {
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** A TCP connection came: it waits for authentication from its first byte on. */
  readonly onConnection: (socket: Socket) => void;
  /** Its TLS handshake is done: the upgrade will come over `secured`. */
  readonly onSecured: (socket: Socket, secured: Duplex) => void;
  /** The connection is authenticated: the limits for strangers no longer apply to it. */
  admitted(connection: Connection): void;
  /** Closes what is connected as this identity, in this role when one is named, once the answers on their way are written. */
  disconnect(who: Who, goodbye: Goodbye): void;
  /** Takes no more sockets and closes the others; resolves when they are gone, after the close grace at the latest. */
  close(code: number, reason: string): Promise<void>;
}

export function createSockets(parts: SocketsParts): Sockets {
  const sockets = new SocketSet(parts);
  return {
    onUpgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    onConnection: (socket) => sockets.arrived(socket),
    onSecured: (socket, secured) => sockets.secured(socket, secured),
    admitted: (connection) => sockets.release(connection),
    // The caller may be among them; its answer is written in this turn of the event loop.
    disconnect: (who, goodbye) => void setImmediate(() => sockets.disconnect(who, goodbye)),
    close: (code, reason) => sockets.close(code, reason),
  };
}

/** How a socket came to the gateway. */
interface Arrival {
  readonly socket: Duplex;
  readonly peer: PeerFacts;
  /** Bytes that belong to the upgrade request. */
  readonly alreadyRead: number;
}

class SocketSet {
  readonly #parts: SocketsParts;
  readonly #upgrader: WebSocketServer;
  readonly #waiting: WaitingRoom;
  readonly #open = new Set<Connection>();
  /** Ends what holds for unauthenticated connections. */
  readonly #probation = new Map<Connection, Undo>();
  /** Sockets that have not asked for an upgrade. */
  readonly #silent = new WeakMap<Duplex, Undo>();
  #isClosing = false;
  #onEmpty: Undo | undefined;

  constructor(parts: SocketsParts) {
    this.#parts = parts;
    this.#waiting = createWaitingRoom(parts.limits);
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: parts.limits.maxPayloadBytes,
    });
    // With a listener the refusal is ours, and has our headers.
    this.#upgrader.on("wsClientError", (_error, socket) => answerRaw(socket, { status: 400, body: "Bad Request" }));
  }

  arrived(socket: Socket): void {
    const peer = { address: canonicalAddress(socket.remoteAddress), origin: undefined, forwarded: false };
    const leave = this.#waiting.enter({ peer, drop: () => socket.destroy() });
    this.#silent.set(socket, leave);
    socket.once("close", leave);
  }

  secured(socket: Socket, secured: Duplex): void {
    const leave = this.#silent.get(socket);
    if (leave !== undefined) this.#silent.set(secured, leave);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#silent.get(socket)?.();
    if (this.#isClosing) return answerRaw(socket, STOPPING);
    const admittance = this.#parts.frontDoor.upgrade(request);
    if (!admittance.ok) return answerRaw(socket, admittance.answer);
    const arrival = { socket, peer: admittance.peer, alreadyRead: bytesRead(socket) - head.length };
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, arrival));
  }

  release(connection: Connection): void {
    this.#probation.get(connection)?.();
    this.#probation.delete(connection);
  }

  disconnect({ identity, role }: Who, { code, reason }: Goodbye): void {
    for (const connection of this.#open) {
      const { state } = connection;
      if (state.at !== "ready" || state.caller.identity !== identity) continue;
      if (role === undefined || state.caller.role === role) connection.close(code, reason);
    }
  }

  close(code: number, reason: string): Promise<void> {
    this.#isClosing = true;
    if (this.#open.size === 0) return Promise.resolve();
    const gone = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#open) connection.close(code, reason);
    return gone;
  }

  #welcome(ws: WebSocket, arrival: Arrival): void {
    const { clock, ids, log } = this.#parts;
    const nonce = ids.uuid();
    const { maxBufferedBytes } = this.#parts.limits;
    const connection = new Connection({
      ws,
      id: connId(ids.uuid()),
      peer: arrival.peer,
      nonce,
      clock,
      maxBufferedBytes,
    });
    this.#open.add(connection);
    // Messages are Buffers: `binaryType` is left at its default.
    ws.on("message", (data: Buffer) => this.#parts.onMessage(connection, data));
    // Every ping is answered, so pings alone could fill the memory too.
    ws.on("ping", () => connection.isSlow && connection.closeSlow());
    ws.on("error", (error) => log.debug("a socket failed", { conn: connection.id, error }));
    ws.on("close", () => this.#onClose(connection));
    this.#putOnProbation(connection, ws, arrival);
    const payload = { nonce, ts: clock.now() };
    connection.send(JSON.stringify({ type: "event", event: "connect.challenge", payload }));
  }

  #putOnProbation(connection: Connection, ws: WebSocket, arrival: Arrival): void {
    const { clock, limits, log } = this.#parts;
    const leave = this.#waiting.enter(connection);
    const unguard = guardBytes(arrival, limits.maxPreAuthBytes, () => {
      log.warn("closed a client that sent too much before it was authenticated", { peer: arrival.peer.address });
      connection.close(1009);
      ws.pause();
    });
    const cancelTimeout = clock.after(limits.handshakeTimeoutMs, () => connection.close(1000));
    this.#probation.set(connection, () => {
      leave();
      unguard();
      cancelTimeout();
    });
  }

  #onClose(connection: Connection): void {
    this.release(connection);
    this.#open.delete(connection);
    connection.gone();
    this.#parts.onGone(connection);
    if (this.#open.size === 0) this.#onEmpty?.();
  }
}

const STOPPING = { status: 503, body: "Service Unavailable", retryAfter: 2 } as const;

const bytesRead = (socket: Duplex): number => (socket instanceof Socket ? socket.bytesRead : 0);

/** Calls back once when more than `limit` bytes arrive after the upgrade; the listener runs before the frame parser's. */
function guardBytes({ socket, alreadyRead }: Arrival, limit: number, onExceeded: () => void): Undo {
  const stop: Undo = () => void socket.off("data", guard);
  const guard = (): void => {
    if (bytesRead(socket) - alreadyRead <= limit) return;
    stop();
    onExceeded();
  };
  socket.prependListener("data", guard);
  return stop;
}

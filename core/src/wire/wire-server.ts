import { EVENTS, type EventDescriptor, METHODS, type MethodDescriptor, type Snapshot } from "openclaw-host-schemas";
import type { Authenticator } from "../auth/authenticator.ts";
import { createAddressSet } from "../auth/addresses.ts";
import type { Caller } from "../auth/caller.ts";
import type { OriginPolicy } from "../auth/origin.ts";
import { LONE_HOST } from "../auth/own-host.ts";
import { type PeerReader, createPeerReader } from "../auth/peer.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/db.ts";
import type { Connection } from "./connection.ts";
import { createDedupe } from "./dedupe.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type AnyHandler, createDispatch } from "./dispatch.ts";
import { createEventHub, type EventHub } from "./events.ts";
import { createFrontDoor } from "./front-door.ts";
import { createHandshake } from "./handshake.ts";
import { createHello } from "./hello.ts";
import { createHttpHandler, type Room } from "./http.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { createReceiver } from "./receive.ts";
import { listen, type Listening, type ListenOptions } from "./server.ts";
import { type Goodbye, type Sockets, type Who, createSockets } from "./sockets.ts";

/** What the wire needs from the rest of the gateway. */
export interface WireParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly store: Pick<Store, "run">;
  /** `server.version` of hello-ok. */
  readonly version: string;
  readonly authenticator: Authenticator;
  /** Default: no proxy is trusted, and only loopback names are this gateway's. */
  readonly readPeer?: PeerReader;
  /** Pages that may send HTTP requests with effects. Default: those of loopback. */
  readonly origins?: OriginPolicy;
  /** By method name; a described method without handler is unknown to clients and not advertised. */
  readonly handlers: Readonly<Record<string, AnyHandler | undefined>>;
  /** Durable methods whose handlers bind the idempotency key in their own records and answer repeats themselves. */
  readonly selfKeyed?: ReadonlySet<string>;
  /** What hello-ok tells a newcomer. A frozen `presence` or `health` is serialised once for all. */
  readonly snapshot: (caller: Caller) => Snapshot;
  /** A client was admitted; runs before its snapshot is taken, so that it finds itself there. */
  readonly onAdmitted?: (caller: Caller) => void;
  /** hello-ok is written and events reach the client: what is published to it now comes right after hello-ok. */
  readonly onConnected?: (caller: Caller) => void;
  /** An admitted client has gone. */
  readonly onDisconnected?: (caller: Caller) => void;
  /** What `/readyz` says. Default: nothing is wrong. */
  readonly problems?: () => readonly string[];
  /** Whether programs of this host are told the reasons, too. Default: on. */
  readonly localTrust?: "on" | "off";
  readonly rooms?: readonly Room[];
  /** Defaults: all methods and events of the protocol. Tests use their own. */
  readonly methods?: Readonly<Record<string, MethodDescriptor>>;
  readonly events?: Readonly<Record<string, EventDescriptor>>;
  readonly limits?: Limits;
}

/** Told to every client before its socket closes. */
export interface Farewell {
  readonly reason: string;
  /** Milliseconds until the gateway is back, or null when nobody knows. */
  readonly restartExpectedMs: number | null;
}

/** The gateway's one port. */
export interface WireServer {
  readonly sink: EventSink;
  listen(options: ListenOptions): Promise<Listening>;
  /** Closes what is connected as this identity, in this role when one is named, within this turn of the event loop. */
  disconnect(who: Who, goodbye: Goodbye): void;
  /** Publishes `shutdown`, closes every client with 1012 and every listening socket; ends within about a second. */
  close(farewell: Farewell): Promise<void>;
}

export function createWireServer(parts: WireParts): WireServer {
  const { clock, log, limits = LIMITS, methods = METHODS, events = EVENTS, handlers } = parts;
  const hub = createEventHub({ descriptors: events, log });
  const dedupe = createDedupe({ store: parts.store, clock, log });
  const dispatch = createDispatch({ methods, handlers, dedupe, selfKeyed: parts.selfKeyed ?? new Set(), log });
  const members = createMembers(parts, hub);
  const advertised = Object.values(methods).filter(({ name }) => handlers[name] !== undefined);
  const handshake = createHandshake({
    authenticator: parts.authenticator,
    snapshot: parts.snapshot,
    onAdmitted: (caller) => parts.onAdmitted?.(caller),
    hello: createHello({ version: parts.version, methods: advertised, events: Object.values(events) }),
    onReady(connection, caller, dialect) {
      const queued = connection.ready(caller, dialect) ?? [];
      sockets.admitted(connection);
      members.join(connection, caller, dialect);
      for (const data of queued) receive(connection, data);
    },
    log,
  });
  const receive = createReceiver({ handshake, dispatch, log });
  const frontDoor = createFrontDoor(parts.readPeer ?? onlyLoopback());
  const sockets: Sockets = createSockets({
    frontDoor,
    clock,
    ids: parts.ids,
    log,
    limits,
    onMessage: receive,
    onGone: (connection) => members.leave(connection),
  });
  const onRequest = createHttpHandler({ ...HTTP_DEFAULTS, ...parts, frontDoor });
  const listening: Listening[] = [];
  return {
    sink: hub,
    async listen(options) {
      const bound = await listen({ ...sockets, onRequest, clock, log }, options);
      listening.push(bound);
      return bound;
    },
    disconnect: (who, goodbye) => sockets.disconnect(who, goodbye),
    async close({ reason, restartExpectedMs }) {
      const stopped = listening.splice(0).map((bound) => bound.close());
      hub.publish("shutdown", { reason, restartExpectedMs });
      await sockets.close(1012, "service restart");
      await Promise.all(stopped);
      dedupe.close();
    },
  };
}

const NO_PAGES: OriginPolicy = { allowedOrigins: [], allowHostHeader: false };

const HTTP_DEFAULTS = { problems: () => [], localTrust: "on", rooms: [], origins: NO_PAGES } as const;

const onlyLoopback = (): PeerReader =>
  createPeerReader({ trustedProxies: createAddressSet([]), own: LONE_HOST, hosts: [] });

/** Tells the rest of the gateway who comes and goes. */
function createMembers(parts: Pick<WireParts, "onConnected" | "onDisconnected">, hub: EventHub) {
  const leaves = new Map<Connection, Undo>();
  return {
    join(connection: Connection, caller: Caller, dialect: Dialect): void {
      const leaveHub = hub.join(connection, caller, dialect);
      leaves.set(connection, () => {
        leaveHub();
        parts.onDisconnected?.(caller);
      });
      parts.onConnected?.(caller);
    },
    leave(connection: Connection): void {
      leaves.get(connection)?.();
      leaves.delete(connection);
    },
  };
}

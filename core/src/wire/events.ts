import {
  type EventAudience,
  type EventDescriptor,
  type EventName,
  type PayloadOf,
  type ProtocolVersion,
  scopeCovers,
} from "openclaw-host-schemas";
import type { Caller } from "../auth/caller.ts";
import type { Undo } from "../base/clock.ts";
import type { EventSink, PublishOptions } from "../base/event-sink.ts";
import type { Logger } from "../base/log.ts";
import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";

/** Fan-out of events to the connections that are ready. */
export interface EventHub extends EventSink {
  /** From now on the connection receives what its role and scopes allow. */
  join(connection: Connection, caller: Caller, dialect: Dialect): Undo;
  /** Connections that receive events. */
  readonly size: number;
}

interface Member {
  readonly connection: Connection;
  readonly caller: Caller;
  readonly dialect: Dialect;
  /** Whether an audience includes this member; it cannot change during a connection. */
  readonly admitted: Map<EventAudience, boolean>;
}

/** The frame up to its `seq`; null when this version has no such event. */
type Heads = Map<ProtocolVersion, string | null>;

interface Broadcast {
  readonly name: string;
  readonly descriptor: EventDescriptor;
  readonly payload: unknown;
  readonly options: PublishOptions;
  readonly droppable: boolean;
  readonly heads: Heads;
}

export interface EventHubParts {
  readonly descriptors: Readonly<Record<string, EventDescriptor>>;
  readonly log: Logger;
}

export function createEventHub(parts: EventHubParts): EventHub {
  return new Hub(parts);
}

class Hub implements EventHub {
  readonly #descriptors: EventHubParts["descriptors"];
  readonly #log: Logger;
  readonly #members = new Map<string, Member>();

  constructor({ descriptors, log }: EventHubParts) {
    this.#descriptors = descriptors;
    this.#log = log;
  }

  get size(): number {
    return this.#members.size;
  }

  join(connection: Connection, caller: Caller, dialect: Dialect): Undo {
    this.#members.set(connection.id, { connection, caller, dialect, admitted: new Map() });
    return () => void this.#members.delete(connection.id);
  }

  publish<E extends EventName>(name: E, payload: PayloadOf<E>, options: PublishOptions = {}): void {
    const descriptor = this.#descriptors[name];
    if (descriptor === undefined) {
      this.#log.error("an event without descriptor was published and reached nobody", { event: name });
      return;
    }
    if (this.#members.size === 0) return;
    const droppable = isDroppable(descriptor, payload);
    const event: Broadcast = { name, descriptor, payload, options, droppable, heads: new Map() };
    if (options.onlyTo === undefined) {
      for (const member of this.#members.values()) this.#deliver(event, member);
      return;
    }
    for (const id of options.onlyTo) {
      const member = this.#members.get(id);
      if (member !== undefined) this.#deliver(event, member);
    }
  }

  #deliver(event: Broadcast, member: Member): void {
    if (!isAdmitted(event, member)) return;
    const head = headFor(event, member.dialect);
    if (head === null) return;
    const { connection } = member;
    const targeted = event.options.onlyTo !== undefined;
    // Counted before it may be dropped: a client sees that it missed something (wire protocol section 0, "seq").
    if (!targeted) connection.seq += 1;
    if (connection.offer(targeted ? `${head}}` : `${head},"seq":${connection.seq}}`) || event.droppable) return;
    this.#log.warn("closed a client that does not read its events", { conn: connection.id, event: event.name });
    connection.closeSlow();
  }
}

function isDroppable({ droppable }: EventDescriptor, payload: unknown): boolean {
  return typeof droppable === "boolean" ? droppable : droppable(payload);
}

/** Serialised once per version, however many receive it. */
function headFor(event: Broadcast, dialect: Dialect): string | null {
  const known = event.heads.get(dialect.version);
  if (known !== undefined) return known;
  const head = frameHead(event, dialect) ?? null;
  event.heads.set(dialect.version, head);
  return head;
}

function frameHead({ name, descriptor, payload, options }: Broadcast, dialect: Dialect): string | undefined {
  if (descriptor.since > dialect.version) return undefined;
  const project = dialect.events[name];
  const projected = project === undefined ? payload : project(payload as never);
  if (projected === undefined) return undefined;
  const head = `{"type":"event","event":${JSON.stringify(name)},"payload":${JSON.stringify(projected)}`;
  const versioned = descriptor.versioned && options.stateVersion !== undefined;
  return versioned ? `${head},"stateVersion":${JSON.stringify(options.stateVersion)}` : head;
}

/** The gate of wire protocol section 0, "Event scope": nodes get what is for every role, or what is addressed to them. */
function isAdmitted({ descriptor, options }: Broadcast, { caller, admitted }: Member): boolean {
  const { audience } = descriptor;
  const addressed = options.onlyTo !== undefined;
  if (addressed && (caller.role === "node" || audience === "targeted")) return true;
  let verdict = admitted.get(audience);
  if (verdict === undefined) {
    verdict = admits(audience, caller);
    admitted.set(audience, verdict);
  }
  return verdict;
}

function admits(audience: EventAudience, caller: Caller): boolean {
  if (audience === "all") return true;
  if (audience === "targeted" || caller.role === "node") return false;
  return audience === "any-operator" || scopeCovers(caller.scopes, audience);
}

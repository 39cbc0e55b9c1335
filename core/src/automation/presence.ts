import type { PresenceEntry } from "openclaw-host-schemas";
import { LOCAL_OWNER } from "../store/tables/device-record.ts";
import type { Caller } from "../auth/caller.ts";
import { isOver } from "../base/clock-watch.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import { formatNodeLine, type NodeLine, parseNodeLine } from "./node-line.ts";
import type { StateVersions } from "./state-versions.ts";

/** How long somebody who has gone is still shown, ms (wire protocol section 3). */
const TTL_MS = 5 * 60_000;
/** Entries shown at most, the gateway's own included (wire protocol section 3). */
const MAX_ENTRIES = 200;
/** The gateway's own entry and the age of the others are brought up to date this often, ms. */
const REFRESH_MS = 15_000;
/** Clients that leave together are announced together, ms. */
const COALESCE_MS = 100;
/** Characters of one value that a client reports or connects with; everybody receives it. */
const MAX_VALUE_CHARS = 256;

/** Params of `system-event` (wire protocol 5.2). */
export interface PresenceReport extends Partial<Omit<PresenceEntry, "ts" | "lastInputSeconds">> {
  readonly text: string;
  readonly lastInputSeconds?: number;
}

export interface Presence {
  /** Newest first, the gateway itself at the head. Frozen; the same array until something changes. */
  list(): PresenceEntry[];
  /** Clients that run one command and leave are not shown. No event: the newcomer sees itself in its snapshot. */
  connected(caller: Caller): void;
  disconnected(caller: Caller): void;
  /** Notes what a host says of itself and announces it. True when the text is news for the agent. */
  report(report: PresenceReport): boolean;
}

export interface PresenceParts {
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly versions: StateVersions;
  /** The gateway's own entry. */
  readonly self: Omit<PresenceEntry, "ts">;
}

interface Member {
  readonly entry: PresenceEntry;
  /** Connections that are open under this key. */
  readonly open: number;
}

export function createPresence(parts: PresenceParts): Presence {
  return new PresenceList(parts);
}

class PresenceList implements Presence {
  readonly #parts: PresenceParts;
  readonly #members = new Map<string, Member>();
  #shown: { readonly at: number; readonly entries: PresenceEntry[] } | undefined;
  #cancelAnnouncement: Undo | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  list(): PresenceEntry[] {
    const now = this.#parts.clock.now();
    if (this.#shown === undefined || isOver(this.#shown.at, REFRESH_MS, now)) {
      this.#shown = { at: now, entries: this.#collect(now) };
    }
    return this.#shown.entries;
  }

  connected(caller: Caller): void {
    if (!isShown(caller)) return;
    const key = keyOf(caller);
    const open = (this.#members.get(key)?.open ?? 0) + 1;
    this.#set(key, { open, entry: entryOf(caller, this.#parts.clock.now()) });
    this.#parts.versions.bump("presence");
  }

  disconnected(caller: Caller): void {
    const key = keyOf(caller);
    const member = this.#members.get(key);
    if (!isShown(caller) || member === undefined) return;
    const open = member.open - 1;
    if (open > 0) return this.#set(key, { ...member, open });
    this.#set(key, { open, entry: { ...member.entry, reason: "disconnect", ts: this.#parts.clock.now() } });
    this.#cancelAnnouncement ??= this.#parts.clock.after(COALESCE_MS, () => this.#announce());
  }

  report(report: PresenceReport): boolean {
    const line = parseNodeLine(report.text);
    const facts = short({ ...line, ...defined(report) });
    const key = (
      report.deviceId ??
      report.instanceId ??
      facts.host ??
      facts.ip ??
      report.text.slice(0, 64)
    ).toLowerCase();
    const before = this.#members.get(key);
    const entry = { ...before?.entry, ...facts, ts: this.#parts.clock.now() };
    this.#set(key, { open: before?.open ?? 0, entry });
    this.#announce();
    return line === undefined || isNews(before?.entry, entry);
  }

  #set(key: string, member: Member): void {
    // Set anew, so that the map is ordered by age.
    this.#members.delete(key);
    this.#members.set(key, member);
    this.#shown = undefined;
    const [oldest] = this.#members.keys();
    if (this.#members.size >= MAX_ENTRIES && oldest !== undefined) this.#members.delete(oldest);
  }

  #announce(): void {
    this.#cancelAnnouncement?.();
    this.#cancelAnnouncement = undefined;
    const stateVersion = this.#parts.versions.bump("presence");
    this.#parts.sink.publish("presence", { presence: this.list() }, { stateVersion });
  }

  #collect(now: number): PresenceEntry[] {
    for (const [key, { entry, open }] of this.#members) {
      if (open === 0 && isOver(entry.ts, TTL_MS, now)) this.#members.delete(key);
    }
    const others = [...this.#members.values()].map(({ entry }) => entry).sort((a, b) => b.ts - a.ts);
    const entries = [{ ...this.#parts.self, ts: now }, ...others];
    Object.freeze(entries);
    return entries;
  }
}

const isShown = (caller: Caller): boolean => caller.client.mode !== "cli";

const deviceOf = (caller: Caller): string | undefined =>
  caller.identity === LOCAL_OWNER ? undefined : caller.identity;

const keyOf = (caller: Caller): string => (deviceOf(caller) ?? caller.client.instanceId ?? caller.connId).toLowerCase();

function entryOf(caller: Caller, now: number): PresenceEntry {
  const { client, role, scopes, remoteIp } = caller;
  const device = deviceOf(caller);
  const host = client.displayName ?? client.id;
  const instanceId = device ?? client.instanceId;
  const facts = short({
    host,
    ...(remoteIp === undefined ? {} : { ip: remoteIp }),
    version: client.version,
    platform: client.platform,
    ...(client.deviceFamily === undefined ? {} : { deviceFamily: client.deviceFamily }),
    ...(client.modelIdentifier === undefined ? {} : { modelIdentifier: client.modelIdentifier }),
    mode: client.mode,
    ...(device === undefined ? {} : { deviceId: device }),
    roles: [role],
    ...(scopes.length === 0 ? {} : { scopes: [...scopes] }),
    ...(instanceId === undefined ? {} : { instanceId }),
    reason: "connect",
    text: formatNodeLine({ host, mode: client.mode, ...(remoteIp === undefined ? {} : { ip: remoteIp }) }),
  });
  return { ...facts, ts: now };
}

/** A host reports again and again; only these changes are worth the agent's attention (wire protocol 5.2). */
const isNews = (before: PresenceEntry | undefined, now: NodeLine): boolean =>
  (["host", "ip", "version", "mode", "reason"] as const).some((name) => before?.[name] !== now[name]);

/** Only the keys of an entry: a report is open, an entry is closed. Empty values say nothing. */
function defined(report: PresenceReport): Partial<PresenceEntry> {
  const { text, deviceId, instanceId, host, ip, mode, version, platform, deviceFamily, modelIdentifier } = report;
  const { reason, roles, scopes, tags } = report;
  const seconds = report.lastInputSeconds;
  const lastInputSeconds = seconds === undefined || seconds < 0 ? undefined : Math.floor(seconds);
  const named = { text, deviceId, instanceId, host, ip, mode, version, platform, deviceFamily, modelIdentifier };
  const entries = Object.entries({ ...named, reason, roles, scopes, tags, lastInputSeconds });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== ""));
}

function short(facts: Partial<PresenceEntry>): Partial<PresenceEntry> {
  const cut = (value: unknown): unknown =>
    typeof value === "string"
      ? value.slice(0, MAX_VALUE_CHARS)
      : Array.isArray(value)
        ? value.slice(0, 32).map(cut)
        : value;
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, cut(value)]));
}

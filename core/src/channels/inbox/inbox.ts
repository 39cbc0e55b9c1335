import { type Inbound, ReceiveError, type ReceiveOutcome } from "openclaw-host-sdk";
import { createAlarm } from "../../base/alarm.ts";
import { watchClock } from "../../base/clock-watch.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { type Problems, createProblems } from "../../base/problems.ts";
import type { Store } from "../../store/db.ts";
import { BURST, type ReceiveArgs } from "../../store/tables/inbox-rows.ts";
import type { AccountName, ClaimedRows, InboxEntry, RefusalAnswer } from "../../store/tables/inbox.ts";
import { parseBatch } from "./inbound-shape.ts";
import { type InboxRoom, openInboxRoom } from "./inbox-room.ts";
import { commandInEvent } from "../policy/host-command.ts";
import { laneKey } from "../policy/route.ts";

export type { AccountName, RefusalAnswer } from "../../store/tables/inbox.ts";

/** What a turn works on: one message, or the pieces of one album or burst. */
export interface InboxClaim extends Omit<ClaimedRows, "events"> {
  readonly events: readonly Inbound[];
}

/** Who receives: the account's label, and the identity its events are unique within. */
export interface InboxScope extends AccountName {
  readonly lease: string;
  /** How long the platform may deliver an event again, ms; so long its row stays. Default: for ever. */
  readonly windowMs?: number;
}

/** How claimed rows are given back. */
export interface InboxRetry {
  readonly reason: string;
  /** They are claimed again after this, ms. */
  readonly delayMs: number;
  /** True when the message itself may be at fault: it is parked after `MAX_ATTEMPTS` of those. */
  readonly counts: boolean;
}

/** The durable door of everything that comes in, and the queue that turns are taken from. */
export interface Inbox {
  /**
   * Stores events and cursor in one transaction and resolves after its commit. Throws `ReceiveError` when they cannot be
   * stored and an `Error` when the guest sent something that is no event; in both cases the cursor stays where it was.
   */
  receive(scope: InboxScope, batch: readonly Inbound[], options: { cursor?: string }): Promise<ReceiveOutcome[]>;
  cursor(scope: Pick<InboxScope, "channel" | "lease">): Promise<string | undefined>;
  /**
   * The next messages whose conversations have nothing running, `most` of them at most (default 1). None means that there are
   * none now: `onRecorded` is called when there may be again.
   */
  claim(most?: number): Promise<readonly InboxClaim[]>;
  /** Closes claimed rows as kept out by policy, and queues the answer if this sender never got one. True if it was queued. */
  refuse(ids: readonly number[], reason: string, answer?: RefusalAnswer): Promise<boolean>;
  /** Closes claimed rows for the owner to look at. */
  park(ids: readonly number[], reason: string): Promise<void>;
  /** Gives claimed rows back. */
  retry(ids: readonly number[], retry: InboxRetry): Promise<void>;
  /** Calls `onRecorded`: an account became reachable, or a lane was freed. */
  wake(): void;
  /** So many rows were removed by upkeep. */
  noteRemoved(count: number): void;
  close(): void;
}

export interface InboxParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when the inbox is full. Default: nobody. */
  readonly problems?: Problems;
  /** Most rows. Default 1,000,000. */
  readonly maxRows?: number;
  /** `session.debounceMs`; 0, the default, takes every message on its own. */
  readonly debounceMs?: number;
  /** Called, never awaited, when a message may be ready to claim. */
  readonly onRecorded: () => void;
  /** Accounts whose messages may run now. Default all; a message of an account that is not there waits for it. */
  readonly accounts?: () => readonly AccountName[];
}

/** An album waits this long for its next piece, and this long in all, ms (SDK contract, `Body.group`). */
const ALBUM = { quietMs: 1_000, maxMs: 2_000 };
/** A message of which so many attempts did not end is parked. */
const MAX_ATTEMPTS = 5;
/**
 * As `MAX_ATTEMPTS` for deaths of the process before there was a run. They are more, because most of that time is spent waiting
 * for files: a death then says little of the message, and yet a file that kills the process must be found out.
 */
const MAX_EARLY_DEATHS = 20;
/** UTF-16 units of events that one claim brings into memory, the last message not counted. */
export const CLAIM_WEIGHT: number = 4 * 1024 * 1024;
/** No message waits longer than a full burst and this, ms. */
const MAX_WAIT_MS = 600_000;
/** When a channel should offer events again that could not be stored, ms. */
const RECEIVE_RETRY_MS = 5_000;

/** Only messages of others become turns; the rest is history for now. */
function closedBecause(event: Inbound): string | undefined {
  if (event.type !== "message") return `no turn: ${event.type}`;
  return event.self === true ? "no turn: written by the account itself" : undefined;
}

/** A burst waits this many times `debounceMs` at most. */
const BURST_FACTOR = 10;

/**
 * What a message waits for others with. Commands and replies stand alone, and so do messages to us among those that are not:
 * what one message was allowed must not carry another in.
 */
function joined(event: Inbound, debounceMs: number): Pick<InboxEntry, "album" | "wait"> {
  if (event.type !== "message") return {};
  if (event.body.group !== undefined) return { album: `album:${event.body.group}` };
  const alone = event.command !== undefined || event.replyTo !== undefined || commandInEvent(event) !== undefined;
  if (debounceMs === 0 || alone) return {};
  const album = `${BURST}${event.mentionedMe === true ? "to-us" : "at-large"}:${event.from.id}`;
  return { album, wait: { quietMs: debounceMs, maxMs: debounceMs * BURST_FACTOR } };
}

function toEntry(scope: InboxScope, event: Inbound, debounceMs: number): InboxEntry {
  const reason = closedBecause(event);
  const lane = laneKey(scope.channel, scope.account, event.peer);
  // What is to be stopped holds the lane. No other lane's key has an empty part.
  const ahead = commandInEvent(event)?.name === "stop" ? "//stop" : "";
  return {
    eventId: event.eventId,
    lane: `${lane}${ahead}`,
    event,
    ...joined(event, debounceMs),
    ...(reason === undefined ? {} : { closedBecause: reason }),
  };
}

/** As `inbox.receive` in the store, while there is room. Throws `ReceiveError`. */
async function record(parts: ReceiveParts, args: ReceiveArgs): Promise<readonly boolean[]> {
  const { channel, account, entries } = args;
  let reserved = 0;
  try {
    if (!(await parts.room.reserve(entries.length))) throw new Error("the inbox is full");
    reserved = entries.length;
    const { stored } = await parts.store.run("inbox.receive", args);
    reserved -= stored.filter((isNew) => isNew).length;
    return stored;
  } catch (error) {
    parts.log.error("events could not be stored; the platform keeps them", { channel, account, error: String(error) });
    throw new ReceiveError("the gateway could not store these events", { retryAfterMs: RECEIVE_RETRY_MS });
  } finally {
    parts.room.free(reserved);
  }
}

interface ReceiveParts extends InboxParts {
  readonly room: InboxRoom;
}

async function receive(
  parts: ReceiveParts,
  scope: InboxScope,
  call: { events: readonly Inbound[]; cursor?: string },
): Promise<ReceiveOutcome[]> {
  const entries = call.events.map((event) => toEntry(scope, event, parts.debounceMs ?? 0));
  const cursor = call.cursor === undefined ? {} : { cursor: call.cursor };
  const { channel, account, lease } = scope;
  const at = parts.clock.now();
  const keepUntil = Math.min(at + Math.ceil(scope.windowMs ?? Infinity), Number.MAX_SAFE_INTEGER);
  const args = { channel, account, lease, at, keepUntil, album: ALBUM, entries, ...cursor };
  const stored = await record(parts, args);
  if (stored.some((isNew, index) => isNew && entries[index]?.closedBecause === undefined)) parts.onRecorded();
  return stored.map((isNew) => ({ outcome: isNew ? "stored" : "duplicate" }));
}

/** The clock was set back: messages that wait keep their time. Never rejects. */
async function shift({ store, log, onRecorded }: InboxParts, byMs: number): Promise<void> {
  try {
    await store.run("inbox.shift", { byMs });
    onRecorded();
  } catch (error) {
    log.error("the clock was set back, and messages that wait for others may wait longer", {
      byMs,
      error: String(error),
    });
  }
}

/** Reads an event that this gateway stored. */
const parseEvent = (json: string): Inbound => JSON.parse(json) as Inbound;

/** Opens the inbox. Rows that ran when the last process ended are recorded again. */
export async function openInbox(parts: InboxParts): Promise<Inbox> {
  const { store, clock, log, debounceMs = 0 } = parts;
  await store.run("inbox.clamp", { now: clock.now(), latest: clock.now() + debounceMs * BURST_FACTOR + MAX_WAIT_MS });
  const interrupted = await store.run("inbox.recover", { now: clock.now() });
  if (interrupted > 0) log.info("messages whose turn was interrupted will run again", { count: interrupted });
  const alarm = createAlarm(clock, parts.onRecorded);
  const unwatch = watchClock(clock, (byMs) => void shift(parts, byMs));
  const room = await openInboxRoom({ problems: createProblems(clock), ...parts });

  return {
    receive: async (scope, batch, options) =>
      receive({ ...parts, room }, scope, { events: parseBatch(batch, options.cursor), ...options }),
    cursor: ({ channel, lease }) => store.run("inbox.cursor", { channel, lease }),
    async claim(most = 1) {
      const accounts = parts.accounts === undefined ? {} : { accounts: parts.accounts() };
      const { claims, nextDueAt } = await store.run("inbox.claim", {
        now: clock.now(),
        maxAttempts: MAX_ATTEMPTS,
        maxEarlyDeaths: MAX_EARLY_DEATHS,
        ...accounts,
        most,
        weight: CLAIM_WEIGHT,
      });
      if (nextDueAt !== undefined) alarm.at(nextDueAt);
      return claims.map((rows) => ({ ...rows, events: rows.events.map(parseEvent) }));
    },
    async refuse(ids, reason, answer) {
      const closing = { ids, reason, at: clock.now() };
      const { answered } = await store.run("inbox.refuse", answer === undefined ? closing : { ...closing, answer });
      return answered;
    },
    park: (ids, reason) => store.run("inbox.close", { ids, state: "parked", reason, at: clock.now() }),
    async retry(ids, { delayMs, ...why }) {
      const at = clock.now();
      await store.run("inbox.retry", { ids, ...why, at, dueAt: at + delayMs });
      alarm.at(at + delayMs);
    },
    wake: () => parts.onRecorded(),
    noteRemoved: (count) => room.free(count),
    close() {
      unwatch();
      alarm.cancel();
    },
  };
}

import type { Capabilities } from "openclaw-host-sdk";
import { watchClock } from "../../base/clock-watch.ts";
import type { Undo } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { Store } from "../../store/db.ts";
import type { Decided, ParkedParts } from "../../store/tables/deliveries.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { DeliveryOutcome } from "../../store/tables/ledger.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import type { ConfiguredAccount } from "../accounts/account-config.ts";
import { AccountSender, type SettledPart } from "./account-sender.ts";
import { createOpenStreams } from "./draft-calls.ts";
import { type Drafts, DraftSet } from "./drafts.ts";
import { MAX_RETRY_AFTER_MS, type SendingParts } from "./fate.ts";
import { type Pace, SENDS_PER_SECOND, createPace } from "./pace.ts";
import { type ParkedBoard, createParkedBoard, ownersCommand } from "./parked.ts";
import { isParked } from "./sending.ts";

export type { Decided, DeliveryCursor } from "../../store/tables/deliveries.ts";
export type { DeliveryOutcome } from "../../store/tables/ledger.ts";
export type { OutboxIntent } from "../../store/tables/outbox.ts";

/** The durable door of everything that leaves. */
export interface Outbox {
  /** Stores intents and starts to send them. Intents that are stored already stay as they are. */
  enqueue(intents: readonly OutboxIntent[]): Promise<void>;
  /** Intents were stored by somebody else's transaction. */
  wake(): void;
  /** The delivery's outcome once no part of it is open, or as it stands after `timeoutMs`. Rejects for an unknown delivery. */
  settled(deliveryId: string, timeoutMs: number): Promise<DeliveryOutcome>;
  /** Queues what of a delivery is parked or dead again; undefined for an unknown delivery. */
  retry(deliveryId: string): Promise<Decided | undefined>;
  /** Gives up what of a delivery was not sent; undefined for an unknown delivery. */
  drop(deliveryId: string): Promise<Decided | undefined>;
  /** What of an account waits for its owner. */
  parked(name: AccountName): ParkedParts | undefined;
  /** Answers that are shown while they are written. */
  readonly drafts: Drafts;
  /** Sends an account's messages over this connection until the undo is called. Without capabilities it shows no drafts. */
  attach(name: AccountName, connection: ChannelConnection, capabilities?: StreamFacts): Undo;
  /** Resolves once everything that is due has been sent as far as it can be, or after `graceMs`. */
  idle(graceMs: number): Promise<void>;
  /** Sends nothing more, waits shortly for what is in flight. */
  close(): Promise<void>;
}

export interface OutboxParts extends SendingParts {
  readonly store: Store;
  readonly log: Logger;
  /** What the owner decided for an account, as it is configured now. */
  readonly rules: (name: AccountName) => SendingRules | undefined;
  /** A part's fate is stored. Called, never awaited. */
  readonly onSettled?: (name: AccountName, news: SettledPart) => void;
  /** Parts were parked or taken up again. Called, never awaited. */
  readonly onParked?: () => void;
}

type SendingRules = Pick<ConfiguredAccount, "onUnknown" | "sendsPerSecond"> &
  Partial<Pick<ConfiguredAccount, "streaming">>;

/** What drafts need to know of a channel. */
type StreamFacts = Pick<Capabilities, "stream" | "text">;

/** How long a stop waits for parts in flight, ms; their fate is then unknown. */
const CLOSE_GRACE_MS = 1_000;

/** How often the board of parked parts is read without a change that we know of: retention forgets the oldest, ms. */
const REFRESH_MS = 60 * 60_000;

type Waiter = (outcome: DeliveryOutcome) => void;

/** Who waits for which delivery. */
class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  add(deliveryId: string, waiter: Waiter): Undo {
    const waiters = this.#waiting.get(deliveryId) ?? new Set();
    waiters.add(waiter);
    this.#waiting.set(deliveryId, waiters);
    return () => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiting.get(deliveryId) === waiters) this.#waiting.delete(deliveryId);
    };
  }

  tell(outcome: DeliveryOutcome): void {
    for (const waiter of this.#waiting.get(outcome.deliveryId) ?? []) waiter(outcome);
  }
}

async function outcomeOf(store: Store, deliveryId: string): Promise<DeliveryOutcome> {
  const outcome = await store.run("ledger.outcome", { deliveryId });
  if (outcome === undefined) throw new Error(`there is no delivery ${deliveryId}`);
  return outcome;
}

class OpenOutbox implements Outbox {
  readonly #parts: OutboxParts;
  readonly #waiters = new Waiters();
  /** Senders whose connection ended stay until their last part is settled. */
  readonly #senders = new Set<AccountSender>();
  /** By account; they outlive connections, as the platform's own count does. */
  readonly #paces = new Map<string, Pace>();
  readonly #board: ParkedBoard;
  readonly #undo: readonly Undo[];
  readonly #streams = createOpenStreams();
  readonly drafts: DraftSet;

  constructor(parts: OutboxParts, known: { readonly board: ParkedBoard; readonly standing: readonly string[] }) {
    this.#parts = parts;
    this.#board = known.board;
    this.drafts = new DraftSet(
      {
        ...parts,
        streams: this.#streams,
        onSettled: (name, news) => this.#settled(name, news),
        wake: () => this.wake(),
        rules: (name) => ({ streaming: parts.rules(name)?.streaming === true }),
      },
      known.standing,
    );
    this.#undo = [
      parts.clock.every(REFRESH_MS, () => void this.#board.refresh()),
      watchClock(parts.clock, (byMs) => void this.#shift(byMs)),
    ];
  }

  wake(): void {
    for (const sender of this.#senders) sender.wake();
  }

  async enqueue(intents: readonly OutboxIntent[]): Promise<void> {
    if (intents.length === 0) return;
    await this.#parts.store.run("outbox.enqueue", { intents });
    this.wake();
  }

  async settled(deliveryId: string, timeoutMs: number): Promise<DeliveryOutcome> {
    const { store, clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<DeliveryOutcome | undefined>();
    const leave = this.#waiters.add(deliveryId, resolve);
    const cancel = clock.after(timeoutMs, () => resolve(undefined));
    try {
      const now = await outcomeOf(store, deliveryId);
      if (now.final) return now;
      return (await promise) ?? (await outcomeOf(store, deliveryId));
    } finally {
      leave();
      cancel();
    }
  }

  async retry(deliveryId: string): Promise<Decided | undefined> {
    const { store, clock } = this.#parts;
    const decided = await store.run("deliveries.retry", { deliveryId, at: clock.now() });
    await this.#board.refresh();
    this.wake();
    return decided;
  }

  async drop(deliveryId: string): Promise<Decided | undefined> {
    const { store, clock } = this.#parts;
    const decided = await store.run("deliveries.drop", { deliveryId, reason: "dropped by the owner", at: clock.now() });
    await this.#board.refresh();
    if (decided === undefined) return undefined;
    const outcome = await outcomeOf(store, deliveryId);
    if (outcome.final) this.#waiters.tell(outcome);
    // The conversation goes on with what was behind it.
    this.wake();
    return decided;
  }

  parked(name: AccountName): ParkedParts | undefined {
    return this.#board.of(name);
  }

  attach(name: AccountName, connection: ChannelConnection, capabilities?: StreamFacts): Undo {
    const pace = this.#paceOf(name);
    const detach = capabilities === undefined ? () => {} : this.drafts.attach(name, { connection, capabilities, pace });
    const sender = new AccountSender({
      ...this.#parts,
      streams: this.#streams,
      name,
      connection,
      pace,
      onUnknown: () => this.#parts.rules(name)?.onUnknown ?? "park",
      onSettled: (news) => this.#settled(name, news),
    });
    this.#senders.add(sender);
    sender.wake();
    return () => {
      detach();
      sender.stop();
      // Its last settlements may free conversations that the next connection of this account should go on with.
      void sender.idle().then(() => {
        this.#senders.delete(sender);
        this.wake();
      });
    };
  }

  #paceOf(name: AccountName): Pace {
    const perSecond = this.#parts.rules(name)?.sendsPerSecond ?? SENDS_PER_SECOND;
    const key = JSON.stringify([name.channel, name.account, perSecond]);
    const pace = this.#paces.get(key) ?? createPace(this.#parts.clock, perSecond);
    this.#paces.set(key, pace);
    return pace;
  }

  /** Never rejects. */
  async #shift(byMs: number): Promise<void> {
    const { log, store } = this.#parts;
    try {
      const count = await store.run("outbox.shift", { byMs });
      log.warn("the clock was set back; what waits to be sent keeps its time", { byMs, count });
      this.wake();
    } catch (error) {
      log.error("the clock was set back, and what waits to be sent may wait longer", { byMs, error: String(error) });
    }
  }

  #settled(name: AccountName, news: SettledPart): void {
    const { claim, settlement, delivery, late = false } = news;
    const { deliveryId, part, draft, runId } = claim;
    if (draft?.stage === "opening" && settlement.state === "sent" && runId !== undefined) this.drafts.found(runId);
    if (delivery.outcome !== undefined) this.#waiters.tell(delivery.outcome);
    if (settlement.state === "unknown" && isParked(settlement)) {
      this.#parts.log.warn(
        `a message may or may not have arrived and is parked; decide on it with: ${ownersCommand(claim)}`,
        { ...name, deliveryId, part: part.index, reason: settlement.reason },
      );
    }
    if (isParked(settlement) || late) void this.#board.refresh();
    this.#parts.onSettled?.(name, news);
  }

  async idle(graceMs: number): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(graceMs, resolve);
    await Promise.race([over, Promise.all([...this.#senders].map((sender) => sender.idle()))]);
    cancel();
  }

  async close(): Promise<void> {
    for (const undo of this.#undo) undo();
    for (const sender of this.#senders) sender.stop();
    await Promise.all([...this.#senders].map((sender) => sender.drain(CLOSE_GRACE_MS)));
    this.#senders.clear();
  }
}

/** Opens the outbox. Parts that were being sent when the last process ended are of unknown fate. */
export async function openOutbox(parts: OutboxParts): Promise<Outbox> {
  const { store, clock, log } = parts;
  const standing = await store.run("drafts.recover", { now: clock.now() });
  const count = await store.run("outbox.recover", { now: clock.now(), latest: clock.now() + MAX_RETRY_AFTER_MS });
  if (count > 0) log.warn("parts were being sent when the gateway stopped; their fate is unknown", { count });
  const board = createParkedBoard({ ...parts, ...(parts.onParked === undefined ? {} : { onChange: parts.onParked }) });
  await board.refresh();
  return new OpenOutbox(parts, { board, standing });
}

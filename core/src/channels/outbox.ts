import type { Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { ChannelConnection } from "../host/channel-port.ts";
import type { Store } from "../store/db.ts";
import type { AccountName } from "../store/inbox.ts";
import type { DeliveryOutcome } from "../store/ledger.ts";
import type { OutboxIntent, Settlement } from "../store/outbox.ts";
import { AccountSender } from "./account-sender.ts";
import type { SendingParts } from "./sending.ts";

export type { DeliveryOutcome } from "../store/ledger.ts";
export type { OutboxIntent } from "../store/outbox.ts";

/** The durable door of everything that leaves. */
export interface Outbox {
  /** Stores intents and starts to send them. Intents that are stored already stay as they are. */
  enqueue(intents: readonly OutboxIntent[]): Promise<void>;
  /** Intents were stored by somebody else's transaction. */
  wake(): void;
  /** The delivery's outcome once no part of it is open, or as it stands after `timeoutMs`. Rejects for an unknown delivery. */
  settled(deliveryId: string, timeoutMs: number): Promise<DeliveryOutcome>;
  /** Sends an account's messages over this connection until the undo is called. */
  attach(name: AccountName, connection: ChannelConnection): Undo;
  /** Sends nothing more, waits shortly for what is in flight. */
  close(): Promise<void>;
}

export interface OutboxParts extends SendingParts {
  readonly store: Store;
  readonly log: Logger;
  /** A part's fate is stored. Called, never awaited. */
  readonly onSettled?: (name: AccountName, settlement: Settlement) => void;
}

/** How long a stop waits for parts in flight, ms; their fate is then unknown. */
const CLOSE_GRACE_MS = 1_000;

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

  constructor(parts: OutboxParts) {
    this.#parts = parts;
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

  attach(name: AccountName, connection: ChannelConnection): Undo {
    const sender = new AccountSender({
      ...this.#parts,
      name,
      connection,
      onSettled: (settlement, { outcome }) => {
        if (outcome !== undefined) this.#waiters.tell(outcome);
        this.#parts.onSettled?.(name, settlement);
      },
    });
    this.#senders.add(sender);
    sender.wake();
    return () => {
      sender.stop();
      // Its last settlements may free conversations that the next connection of this account should go on with.
      void sender.idle().then(() => {
        this.#senders.delete(sender);
        this.wake();
      });
    };
  }

  async close(): Promise<void> {
    for (const sender of this.#senders) sender.stop();
    await Promise.all([...this.#senders].map((sender) => sender.drain(CLOSE_GRACE_MS)));
    this.#senders.clear();
  }
}

/** Opens the outbox. Parts that were being sent when the last process ended are of unknown fate. */
export async function openOutbox(parts: OutboxParts): Promise<Outbox> {
  const { store, clock, log } = parts;
  const count = await store.run("outbox.recover", { now: clock.now() });
  if (count > 0) log.warn("parts were being sent when the gateway stopped; their fate is unknown", { count });
  return new OpenOutbox(parts);
}

import { type Alarm, createAlarm } from "../base/alarm.ts";
import type { Logger } from "../base/log.ts";
import type { ChannelConnection } from "../host/channel-port.ts";
import type { Store } from "../store/db.ts";
import type { AccountName } from "../store/inbox.ts";
import type { DeliveryOutcome } from "../store/ledger.ts";
import type { OutboxClaim, Settlement } from "../store/outbox.ts";
import { type SendingParts, attempt } from "./sending.ts";

export interface SenderParts extends SendingParts {
  readonly store: Store;
  readonly log: Logger;
  readonly name: AccountName;
  readonly connection: ChannelConnection;
  /** A part's settlement is committed; `outcome` when its delivery is finished. */
  readonly onSettled: (settlement: Settlement, delivery: { deliveryId: string; outcome?: DeliveryOutcome }) => void;
}

/** Parts of one account in flight at a time, each of another conversation. */
const PARALLEL = 4;
/** Wait after the store refused, ms. */
const STORE_RETRY_MS = 1_000;

/** Sends what is queued for one account over one connection: in order within a conversation, side by side across them. */
export class AccountSender {
  readonly #parts: SenderParts;
  readonly #alarm: Alarm;
  readonly #abort = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #pumping: Promise<void> | undefined;
  #wakeAgain = false;
  #stopped = false;
  #pausedUntil = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#alarm = createAlarm(parts.clock, () => this.wake());
  }

  /** Looks for work. Calling it often costs nothing: one look at a time, and one more after it. */
  wake(): void {
    if (this.#stopped) return;
    this.#wakeAgain = true;
    if (this.#pumping !== undefined) return;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#wakeAgain) this.wake();
    });
  }

  /** Takes no more work; what is in flight goes on. */
  stop(): void {
    this.#stopped = true;
    this.#alarm.cancel();
  }

  /** After `stop`: resolves once nothing is in flight any more. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0 || this.#pumping !== undefined)
      await Promise.all([this.#pumping, ...this.#inFlight]);
  }

  /** As `idle`, but what takes longer than `graceMs` is given up. */
  async drain(graceMs: number): Promise<void> {
    const cancel = this.#parts.clock.after(graceMs, () => this.#abort.abort());
    await this.idle();
    cancel();
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    const { clock, log, name, store } = this.#parts;
    while (this.#wakeAgain && !this.#stopped) {
      this.#wakeAgain = false;
      const limit = PARALLEL - this.#inFlight.size;
      if (limit <= 0) return;
      if (clock.now() < this.#pausedUntil) return this.#alarm.at(this.#pausedUntil);
      try {
        const { claims, nextAt } = await store.run("outbox.claim", { ...name, now: clock.now(), limit });
        for (const claim of claims) this.#start(claim);
        if (nextAt !== undefined && claims.length < limit) this.#alarm.at(nextAt);
      } catch (error) {
        log.error("the outbox cannot be read; sending rests", { ...name, error: String(error) });
        this.#alarm.at(clock.now() + STORE_RETRY_MS);
      }
    }
  }

  #start(claim: OutboxClaim): void {
    const work = this.#handle(claim).finally(() => {
      this.#inFlight.delete(work);
      this.wake();
    });
    this.#inFlight.add(work);
  }

  /** Never rejects. */
  async #handle(claim: OutboxClaim): Promise<void> {
    const { clock, connection, log, name } = this.#parts;
    if (this.#stopped) {
      await this.#settle(claim, notBegun(claim, clock.now()));
      return;
    }
    const { settlement, pauseMs } = await attempt(this.#parts, connection, { claim, signal: this.#abort.signal });
    if (pauseMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, clock.now() + pauseMs);
    if (settlement.state !== "sent") {
      const { deliveryId, part } = claim;
      const facts = { ...name, deliveryId, part: part.index, state: settlement.state, reason: settlement.reason };
      log.warn("a part was not sent", facts);
    }
    await this.#settle(claim, settlement);
  }

  /** Until it is stored the conversation waits: whatever came of the part must not be forgotten. */
  async #settle(claim: OutboxClaim, settlement: Settlement): Promise<void> {
    const { clock, log, name, store } = this.#parts;
    for (;;) {
      try {
        const delivery = await store.run("outbox.settle", { id: claim.id, at: clock.now(), settlement });
        if (delivery !== undefined) this.#parts.onSettled(settlement, delivery);
        return;
      } catch (error) {
        log.error("what came of a part cannot be stored yet", {
          ...name,
          deliveryId: claim.deliveryId,
          error: String(error),
        });
        if (this.#abort.signal.aborted) return;
        await clock.sleep(STORE_RETRY_MS, this.#abort.signal);
      }
    }
  }
}

/** A part that was claimed while the connection ended was certainly not sent. */
function notBegun(claim: OutboxClaim, now: number): Settlement {
  const reason = "the connection ended before it was sent";
  if (claim.task === "reconcile") return { state: "unknown", reason, nextAt: now };
  return { state: "retry", nextAt: now, reason, counts: false };
}

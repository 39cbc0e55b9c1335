import { type Alarm, createAlarm } from "../../base/alarm.ts";
import type { Receipt } from "openclaw-host-sdk";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { Store } from "../../store/db.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { ClaimKey, OutboxClaim, Settled, Settlement } from "../../store/tables/outbox.ts";
import type { OnUnknown } from "../accounts/account-config.ts";
import type { Pace } from "./pace.ts";
import type { DraftSendingParts } from "./draft-sending.ts";
import { attempt, isParked } from "./sending.ts";

export interface SenderParts extends DraftSendingParts {
  readonly store: Store;
  readonly name: AccountName;
  readonly connection: ChannelConnection;
  /** The account's own, whichever connection it has. */
  readonly pace: Pace;
  readonly onUnknown: () => OnUnknown;
  /** A part's settlement is committed. */
  readonly onSettled: (news: SettledPart) => void;
}

/** One part whose fate was stored, and its delivery. */
export interface SettledPart {
  readonly claim: OutboxClaim;
  readonly settlement: Settlement;
  readonly delivery: Settled;
  /** True when the receipt came after the call was given up. */
  readonly late?: true;
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
  /** The store refused the last look: told once. */
  #resting = false;

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

  /** Resolves once nothing is in flight, and nothing more would be before its time. */
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
    const { clock, log, name, pace, store } = this.#parts;
    while (this.#wakeAgain && !this.#stopped) {
      this.#wakeAgain = false;
      const places = PARALLEL - this.#inFlight.size;
      if (places <= 0) return;
      const limit = Math.min(places, pace.free());
      // Until it is known that nothing waits.
      pace.crowd(true);
      if (limit <= 0) return this.#alarm.at(pace.freeAt());
      try {
        const { claims, nextAt } = await store.run("outbox.claim", { ...name, now: clock.now(), limit });
        pace.take(claims.length);
        pace.crowd(claims.length === limit);
        this.#resting = false;
        for (const claim of claims) this.#start(claim);
        if (claims.length === limit && limit < places) this.#alarm.at(pace.freeAt());
        else if (claims.length < limit && nextAt !== undefined) this.#alarm.at(nextAt);
      } catch (error) {
        if (!this.#resting) log.error("the outbox cannot be read; sending rests", { ...name, error: String(error) });
        this.#resting = true;
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
    const { clock, connection, log, name, onUnknown, pace } = this.#parts;
    if (this.#stopped) {
      await this.#settle(claim, notBegun(claim, clock.now()));
      return;
    }
    const { settlement, pauseMs } = await attempt(this.#parts, connection, {
      claim,
      signal: this.#abort.signal,
      onUnknown: onUnknown(),
      late: (receipt) => void this.#late(claim, receipt),
    });
    if (pauseMs !== undefined) pace.rest(pauseMs);
    if ("reason" in settlement && !isParked(settlement)) {
      const { deliveryId, part } = claim;
      const facts = { ...name, deliveryId, part: part.index, state: settlement.state, reason: settlement.reason };
      log.warn("a part was not sent", facts);
    }
    await this.#settle(claim, settlement);
  }

  /** Never rejects. A receipt that cannot be stored leaves the part as it is: of unknown fate. */
  async #late(claim: OutboxClaim, receipt: Receipt): Promise<void> {
    const { clock, log, name, store } = this.#parts;
    const facts = { ...name, deliveryId: claim.deliveryId, part: claim.part.index };
    try {
      const delivery = await store.run("outbox.late", { claim: keyOf(claim), at: clock.now(), receipt });
      log.info("a receipt came after its part was given up", { ...facts, settles: delivery !== undefined });
      if (delivery === undefined) return;
      this.#parts.onSettled({ claim, settlement: { state: "sent", receipt }, delivery, late: true });
    } catch (error) {
      log.warn("a late receipt could not be stored", { ...facts, error: String(error) });
    }
  }

  /** Until it is stored the conversation waits: whatever came of the part must not be forgotten. */
  async #settle(claim: OutboxClaim, settlement: Settlement): Promise<void> {
    const { clock, log, name, store } = this.#parts;
    for (;;) {
      try {
        const delivery = await store.run("outbox.settle", { claim: keyOf(claim), at: clock.now(), settlement });
        if (delivery !== undefined) this.#parts.onSettled({ claim, settlement, delivery });
        // Its owner has given it up while the platform was asked, and yet it is there.
        else if (settlement.state === "sent") await this.#late(claim, settlement.receipt);
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

const keyOf = ({ id, attempt, checks }: OutboxClaim): ClaimKey => ({ id, attempt, checks });

/** A part that was claimed while the connection ended was certainly not sent. */
function notBegun(claim: OutboxClaim, now: number): Settlement {
  const reason = "the connection ended before it was sent";
  if (claim.task === "reconcile") return { state: "unknown", reason, nextAt: now };
  return { state: "retry", nextAt: now, reason, counts: false };
}

import type { Undo } from "../../base/clock.ts";
import { isStoreError } from "../../store/store-error.ts";
import { CLAIM_WEIGHT, type InboxClaim } from "../inbox/inbox.ts";
import { messageOf } from "./turn-close.ts";
import { handleClaim, type InboxTurnParts } from "./turn-inbox.ts";
import type { TurnRunner } from "./turn-run.ts";

/**
 * Messages in hand at once, waiting for their lane or running: enough that each place for a run has the next message ready while
 * others are being claimed or stored. Not more, because a death of the process counts against each of them; the rest of a
 * backlog stays in its table.
 */
const IN_HAND_PER_RUN = 4;
const LEAST_IN_HAND = 32;
const MOST_IN_HAND = 256;

/**
 * Claims under way at once, each for an equal share of what may be in hand, so that messages begin, run and end beside each other:
 * store and event loop then work at the same time and not in turns.
 */
const CLAIMS_AT_ONCE = 4;

/** UTF-16 units of text in hand after which nothing more is claimed. */
const MOST_WEIGHT: number = 16 * 1024 * 1024;

/** After a failure of the store, and for a claim whose turn could not even begin, ms. */
const RETRY_MS = 5_000;

/** Claims messages as long as there are any, each conversation on its own. The same loop serves a start and daily work. */
export class InboxLoop {
  readonly #parts: InboxTurnParts;
  readonly #runner: TurnRunner;
  readonly #inHand = new Set<Promise<void>>();
  readonly #claims = new Set<Promise<void>>();
  readonly #most: number;
  #weight = 0;
  /** Messages that claims under way may bring. */
  #asked = 0;
  /** Woken while no claim could be made. */
  #wanted = false;
  #waking = false;
  /** The store refused the last claim: told once, tried again later. */
  #resting = false;
  #cancelRetry: Undo | undefined;
  #closed = false;

  constructor(parts: InboxTurnParts, runner: TurnRunner) {
    this.#parts = parts;
    this.#runner = runner;
    this.#most = Math.min(MOST_IN_HAND, Math.max(LEAST_IN_HAND, parts.lanes.width * IN_HAND_PER_RUN));
  }

  /** Looks for messages to claim. Never throws, never waits. */
  wake(): void {
    if (this.#closed) return;
    const room = this.#room();
    // What is recorded now may not be among what the claims under way bring.
    this.#wanted = room <= 0;
    if (this.#wanted) return;
    this.#asked += room;
    const claim = this.#claim(room).then((more) => {
      this.#claims.delete(claim);
      this.#asked -= room;
      if (more || this.#wanted) this.wake();
    });
    this.#claims.add(claim);
  }

  /** Claims nothing more; resolves when the claims in hand are through. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await Promise.all(this.#claims);
    await Promise.all(this.#inHand);
  }

  /** How many messages the next claim may bring. */
  #room(): number {
    const underWay = this.#claims.size;
    if (underWay >= CLAIMS_AT_ONCE || this.#weight + underWay * CLAIM_WEIGHT > MOST_WEIGHT) return 0;
    const free = this.#most - this.#inHand.size - this.#asked;
    return Math.min(free, Math.ceil(this.#most / CLAIMS_AT_ONCE));
  }

  /** True when there may be more. Never rejects. */
  async #claim(most: number): Promise<boolean> {
    try {
      const claims = await this.#parts.inbox.claim(most);
      this.#resting = false;
      for (const claim of claims) this.#take(claim);
      return claims.length > 0;
    } catch (error) {
      this.#wanted = false;
      this.#rest(error);
      return false;
    }
  }

  #rest(error: unknown): void {
    if (!this.#resting) {
      this.#parts.log.error("no message can be claimed; tried again shortly", { error: messageOf(error) });
    }
    this.#resting = true;
    if (this.#closed) return;
    this.#cancelRetry ??= this.#parts.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.wake();
    });
  }

  #take(claim: InboxClaim): void {
    const weight = weightOf(claim);
    this.#weight += weight;
    const work = this.#handle(claim).finally(() => {
      this.#inHand.delete(work);
      this.#weight -= weight;
      this.#wakeSoon();
    });
    this.#inHand.add(work);
  }

  /** Many end by the same commit: what they leave room for is claimed at once. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      this.wake();
    });
  }

  /** Never rejects. */
  async #handle(claim: InboxClaim): Promise<void> {
    const { inbox, log } = this.#parts;
    try {
      await handleClaim(this.#parts, this.#runner, claim);
    } catch (error) {
      const reason = messageOf(error);
      log.error("a message could not become a run and will be tried again", { error: reason });
      // A disk that fails says nothing about the message.
      await inbox
        .retry(claim.ids, { reason, delayMs: RETRY_MS, counts: !isStoreError(error) })
        .catch((cause: unknown) =>
          log.error("a message stays claimed until the next start", { error: messageOf(cause) }),
        );
    }
  }
}

/** What a claim holds of what its senders can make long. */
function weightOf({ events }: InboxClaim): number {
  let weight = 0;
  for (const event of events) if (event.type === "message") weight += event.body.text?.length ?? 0;
  return weight;
}

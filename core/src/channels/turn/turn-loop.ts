import { isStoreError } from "../../store/store-error.ts";
import type { InboxClaim } from "../inbox/inbox.ts";
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

/** UTF-16 units of text in hand after which nothing more is claimed. */
const MOST_WEIGHT: number = 16 * 1024 * 1024;

/** After a failure of the store, and for a claim whose turn could not even begin, ms. */
const RETRY_MS = 5_000;

/** Claims messages as long as there are any, each conversation on its own. The same loop serves a start and daily work. */
export class InboxLoop {
  readonly #parts: InboxTurnParts;
  readonly #runner: TurnRunner;
  readonly #inHand = new Set<Promise<void>>();
  readonly #most: number;
  #weight = 0;
  #pumping: Promise<void> | undefined;
  #wanted = false;
  /** The store refused the last claim: told once. */
  #resting = false;
  #closed = false;

  constructor(parts: InboxTurnParts, runner: TurnRunner) {
    this.#parts = parts;
    this.#runner = runner;
    this.#most = Math.min(MOST_IN_HAND, Math.max(LEAST_IN_HAND, parts.lanes.width * IN_HAND_PER_RUN));
  }

  /** Looks for messages to claim. Never throws, never waits. */
  wake(): void {
    this.#wanted = true;
    if (this.#closed || this.#pumping !== undefined) return;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined;
      // Asked for between the last claim and now.
      if (this.#wanted) this.wake();
    });
  }

  /** Claims nothing more; resolves when the claims in hand are through. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pumping;
    await Promise.all(this.#inHand);
  }

  async #pump(): Promise<void> {
    this.#wanted = false;
    try {
      while (!this.#closed && this.#inHand.size < this.#most && this.#weight < MOST_WEIGHT) {
        const claims = await this.#parts.inbox.claim(this.#most - this.#inHand.size);
        this.#resting = false;
        for (const claim of claims) this.#take(claim);
        if (claims.length === 0) return;
      }
    } catch (error) {
      this.#wanted = false;
      if (!this.#resting) {
        this.#parts.log.error("no message can be claimed; tried again shortly", { error: messageOf(error) });
      }
      this.#resting = true;
      this.#parts.clock.after(RETRY_MS, () => this.wake());
    }
  }

  #take(claim: InboxClaim): void {
    const weight = weightOf(claim);
    this.#weight += weight;
    const work = this.#handle(claim).finally(() => {
      this.#inHand.delete(work);
      this.#weight -= weight;
      this.wake();
    });
    this.#inHand.add(work);
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

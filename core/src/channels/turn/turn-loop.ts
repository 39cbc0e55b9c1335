import { isStoreError } from "../../store/store-error.ts";
import type { InboxClaim } from "../inbox/inbox.ts";
import { messageOf } from "./turn-close.ts";
import { handleClaim, type InboxTurnParts } from "./turn-inbox.ts";
import type { TurnRunner } from "./turn-run.ts";

/** Messages in hand at once, waiting for their lane or running; the rest of a backlog stays in its table. */
const MAX_IN_HAND = 32;

/** Claims asked for at once: they share a commit. */
const CLAIMS_AT_ONCE = 16;

/** After a failure of the store, and for a claim whose turn could not even begin, ms. */
const RETRY_MS = 5_000;

/** Claims messages as long as there are any, each conversation on its own. The same loop serves a start and daily work. */
export class InboxLoop {
  readonly #parts: InboxTurnParts;
  readonly #runner: TurnRunner;
  readonly #inHand = new Set<Promise<void>>();
  #pumping: Promise<void> | undefined;
  #wanted = false;
  /** The store refused the last claim: told once. */
  #resting = false;
  #closed = false;

  constructor(parts: InboxTurnParts, runner: TurnRunner) {
    this.#parts = parts;
    this.#runner = runner;
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
      while (!this.#closed && this.#inHand.size < MAX_IN_HAND) {
        const free = Math.min(CLAIMS_AT_ONCE, MAX_IN_HAND - this.#inHand.size);
        const asked = Array.from({ length: free }, () => this.#claim());
        const claimed = await Promise.all(asked);
        if (claimed.includes(false)) return;
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

  /** Takes the next message in hand; false when there is none. */
  async #claim(): Promise<boolean> {
    const claim = await this.#parts.inbox.claim();
    this.#resting = false;
    if (claim !== undefined) this.#take(claim);
    return claim !== undefined;
  }

  #take(claim: InboxClaim): void {
    const work = this.#handle(claim).finally(() => {
      this.#inHand.delete(work);
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

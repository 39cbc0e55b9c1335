import type { Clock } from "../base/clock.ts";
import { bodyDigest } from "../base/digest.ts";
import type { Logger } from "../base/log.ts";
import { everyTrusted } from "../base/trusted-time.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import type { IdempotencyKey } from "../store/tables/idempotency.ts";
import { LIMITS } from "./limits.ts";
import { type Outcome, failed, isPermanent } from "./outcome.ts";

/** A request whose repeats must not do their work twice. */
export interface KeyedRequest extends IdempotencyKey {
  readonly params: unknown;
  /** Sends the first response of a two-phase method. */
  accepted(payload: unknown): void;
  /**
   * Does the work. It is called again for a repeat whose first call left no stored outcome (it failed for a passing
   * reason, or the gateway stopped), so it must find what it began under the same key.
   */
  work(accepted: (payload: unknown) => void): Outcome | Promise<Outcome>;
}

/** Durable idempotency (wire protocol section 0): an outcome that is final is stored and told again to every repeat. */
export interface Dedupe {
  /** Never rejects. */
  run(request: KeyedRequest): Promise<Outcome>;
  close(): void;
}

interface Pending {
  readonly digest: string;
  outcome: Promise<Outcome>;
  acceptance?: { readonly payload: unknown };
}

const otherBody = failed(
  invalidRequest("this idempotencyKey was used for another request: choose a new one for every new request"),
);

export interface DedupeParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createDedupe(parts: DedupeParts): Dedupe {
  const keys = new KeyedRequests(parts);
  const stopPruning = everyTrusted(parts.clock, {
    everyMs: LIMITS.idempotencyPruneMs,
    run: (now) => void keys.prune(now),
  });
  return { run: (request) => keys.run(request), close: stopPruning };
}

class KeyedRequests {
  readonly #parts: DedupeParts;
  readonly #pending = new Map<string, Pending>();

  constructor(parts: DedupeParts) {
    this.#parts = parts;
  }

  run(request: KeyedRequest): Promise<Outcome> {
    const id = JSON.stringify([request.identity, request.method, request.key]);
    const digest = digestOf(request.params);
    const running = this.#pending.get(id);
    if (running === undefined) {
      const entry: Pending = { digest, outcome: Promise.resolve(otherBody) };
      this.#pending.set(id, entry);
      entry.outcome = this.#settle(id, request, entry);
      return entry.outcome;
    }
    if (running.digest !== digest) return Promise.resolve(otherBody);
    // One answer is enough for a repeat: what the first caller was told so far, or what it will be told.
    return running.acceptance === undefined ? running.outcome : Promise.resolve(inFlight(running.acceptance.payload));
  }

  async prune(now: number): Promise<void> {
    const { store, log } = this.#parts;
    const before = now - LIMITS.idempotencyMs;
    try {
      await store.run("idempotency.prune", { before, now, keep: LIMITS.idempotencyRows });
    } catch (error) {
      log.warn("could not remove old idempotency keys", { error });
    }
  }

  async #settle(id: string, request: KeyedRequest, entry: Pending): Promise<Outcome> {
    try {
      return await this.#first(request, entry);
    } catch (error) {
      this.#parts.log.error("a request with a key could not be recorded", { method: request.method, error });
      return failed(error);
    } finally {
      this.#pending.delete(id);
    }
  }

  async #first(request: KeyedRequest, entry: Pending): Promise<Outcome> {
    const { identity, method, key } = request;
    const { store, clock } = this.#parts;
    const { digest } = entry;
    const claim = await store.run("idempotency.claim", { identity, method, key, digest, at: clock.now() });
    if (claim.state === "other-body") return otherBody;
    if (claim.state === "settled") return JSON.parse(claim.result) as Outcome;
    const outcome = await request.work((payload) => {
      entry.acceptance = { payload };
      request.accepted(payload);
    });
    if (isPermanent(outcome)) void this.#remember({ identity, method, key }, outcome);
    return outcome;
  }

  /** Nobody waits for it: should the process die first, the repeat finds the work under its key. */
  async #remember(key: IdempotencyKey, outcome: Outcome): Promise<void> {
    const result = JSON.stringify(outcome);
    if (Buffer.byteLength(result) > LIMITS.idempotentResultBytes) return;
    try {
      await this.#parts.store.run("idempotency.settle", { ...key, result });
    } catch (error) {
      const { method } = key;
      this.#parts.log.warn("could not store the outcome of a request; a repeat asks again", { method, error });
    }
  }
}

function inFlight(acceptance: unknown): Outcome {
  const facts = typeof acceptance === "object" && acceptance !== null ? acceptance : {};
  return { ok: true, payload: { ...facts, status: "in_flight" } };
}

/** Of the body without its key. */
function digestOf(params: unknown): string {
  const { idempotencyKey: _key, ...body } = params as { idempotencyKey?: unknown };
  return bodyDigest(body);
}

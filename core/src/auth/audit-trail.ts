import { type Clock, type Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/db.ts";
import { AUDIT_ORIGIN, type AuditEntry, type AuditLink } from "../store/tables/audit-record.ts";
import { networkOf } from "./addresses.ts";
import type { Audit, AuditedConnection } from "./audit.ts";
import { createRefusalCounter } from "./audit-refusals.ts";
import { type AuditSealer, sealFault, verifyAudit } from "./audit-verify.ts";

/** How late a row may be on disk and sealed, ms; connecting never waits for it. */
const FLUSH_MS = 1_000;
/** After a failed write, ms. */
const RETRY_MS = 30_000;
/** Refusals are told this often, ms. */
const REFUSALS_MS = 60_000;
/** The same identity, role and network is told of once in this time, ms. */
const CONNECTED_MS = 24 * 3_600_000;
/** Identities with a network that are remembered as told; whoever is forgotten is told of again. */
const MAX_CONNECTED = 1_024;
/** Rows that wait for a database that cannot be written; what comes then is only counted. */
const MAX_WAITING = 1_000;
/** Rows removed in one step, and the pause between two, ms. */
const PRUNE_STEP = 500;
const PAUSE_MS = 50;

export interface AuditTrailParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sealer: AuditSealer;
}

interface Waiting {
  readonly at: number;
  readonly entry: AuditEntry;
}

/**
 * Opens the trail. When the chain no longer fits its seal, which only somebody with access to the database can bring about,
 * that is told in the log and in the trail itself before anything is sealed anew. Rejects with `StoreError`.
 */
export async function openAudit(parts: AuditTrailParts): Promise<Audit> {
  const trail = new AuditTrail(parts);
  await trail.open();
  return trail;
}

class AuditTrail implements Audit {
  readonly #parts: AuditTrailParts;
  readonly #refusals = createRefusalCounter();
  readonly #connected = new Map<string, number>();
  #waiting: Waiting[] = [];
  #lost = 0;
  #base: AuditLink = AUDIT_ORIGIN;
  #unsealed = false;
  #flushTimer: Undo | undefined;
  #refusalTimer: Undo | undefined;
  /** One write after the other, so that a seal never goes back. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { store, clock, log, sealer } = this.#parts;
    const state = await store.run("audit.state", null);
    const fault = sealFault(state, sealer);
    this.#base = state.seal?.base ?? AUDIT_ORIGIN;
    if (fault !== undefined) {
      log.error("the audit trail was changed while no gateway ran; see: openclaw audit verify", { fault });
      await store.run("audit.append", [
        { at: clock.now(), entry: { action: "broken", actor: "gateway", reason: fault } },
      ]);
    }
    // A new chain is sealed before it has rows: rows without a seal are then always a sign of tampering.
    await this.#seal();
  }

  note(entry: AuditEntry): void {
    if (this.#waiting.length >= MAX_WAITING) this.#lost += 1;
    else this.#waiting.push({ at: this.#parts.clock.now(), entry });
    this.#soon(FLUSH_MS);
  }

  connected({ identity, role, scopes, address, name }: AuditedConnection): void {
    const key = `${identity} ${role} ${networkOf(address)}`;
    const now = this.#parts.clock.now();
    const told = this.#connected.get(key);
    // A clock that was set back must not keep the trail silent.
    if (told !== undefined && now >= told && now - told < CONNECTED_MS) return;
    this.#connected.delete(key);
    this.#connected.set(key, now);
    const [oldest] = this.#connected.keys();
    if (this.#connected.size > MAX_CONNECTED && oldest !== undefined) this.#connected.delete(oldest);
    this.note({
      action: "connected",
      actor: identity,
      role,
      scopes,
      address,
      ...(name === undefined ? {} : { name }),
    });
  }

  refused(refusal: Parameters<Audit["refused"]>[0]): void {
    this.#refusals.add(refusal);
    this.#refusalTimer ??= this.#parts.clock.after(REFUSALS_MS, () => this.#tellRefusals());
  }

  seal(): void {
    this.#unsealed = true;
    this.#soon(FLUSH_MS);
  }

  async list(filter: Parameters<Audit["list"]>[0]): ReturnType<Audit["list"]> {
    await this.#flush();
    return this.#parts.store.run("audit.list", filter);
  }

  async verify(): ReturnType<Audit["verify"]> {
    const { store, sealer } = this.#parts;
    await this.#flush();
    return verifyAudit(
      { state: () => store.run("audit.state", null), walk: (args) => store.run("audit.walk", args) },
      sealer,
    );
  }

  async prune(before: number, signal?: AbortSignal): Promise<number> {
    let removed = 0;
    for (;;) {
      const step = await this.#inTurn(() => this.#pruneStep(before));
      removed += step;
      await this.#parts.clock.sleep(PAUSE_MS, signal);
      if (step < PRUNE_STEP || signal?.aborted === true) return removed;
    }
  }

  async close(): Promise<void> {
    this.#tellRefusals();
    await this.#flush().catch((error: unknown) => this.#failed(error));
    this.#flushTimer?.();
  }

  #tellRefusals(): void {
    this.#refusalTimer?.();
    this.#refusalTimer = undefined;
    for (const entry of this.#refusals.take(this.#parts.clock.now())) this.note(entry);
  }

  #soon(ms: number): void {
    this.#flushTimer ??= this.#parts.clock.after(ms, () => {
      void this.#flush().catch((error: unknown) => this.#failed(error));
    });
  }

  /** Rejects with `StoreError`. */
  #flush(): Promise<void> {
    this.#flushTimer?.();
    this.#flushTimer = undefined;
    return this.#inTurn(() => this.#write());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #write(): Promise<void> {
    const lost = this.#lost;
    const taken = this.#waiting;
    if (taken.length === 0 && lost === 0 && !this.#unsealed) return;
    this.#waiting = [];
    this.#lost = 0;
    this.#unsealed = true;
    const gap: Waiting[] =
      lost === 0 ? [] : [{ at: this.#parts.clock.now(), entry: { action: "lost", actor: "gateway", count: lost } }];
    try {
      if (taken.length + gap.length > 0) await this.#parts.store.run("audit.append", [...taken, ...gap]);
    } catch (error) {
      this.#giveBack(taken, lost);
      throw error;
    }
    await this.#seal();
  }

  #giveBack(taken: readonly Waiting[], lost: number): void {
    const all = [...taken, ...this.#waiting];
    this.#waiting = all.slice(0, MAX_WAITING);
    this.#lost += lost + Math.max(0, all.length - MAX_WAITING);
  }

  #failed(error: unknown): void {
    this.#parts.log.warn("the audit trail could not be written; it is kept in memory and tried again", { error });
    this.#soon(RETRY_MS);
  }

  async #seal(): Promise<void> {
    const { store, sealer } = this.#parts;
    this.#unsealed = false;
    try {
      const { head = this.#base } = await store.run("audit.state", null);
      await store.run("audit.seal", sealer.seal(this.#base, head));
    } catch (error) {
      this.#unsealed = true;
      throw error;
    }
  }

  /** The chain's new beginning is sealed in the same transaction that removes what came before it. */
  async #pruneStep(before: number): Promise<number> {
    const { store, sealer } = this.#parts;
    const base = await store.run("audit.prunable", { before, limit: PRUNE_STEP });
    if (base === undefined) return 0;
    const { head = base } = await store.run("audit.state", null);
    const removed = await store.run("audit.prune", sealer.seal(base, head));
    this.#base = base;
    return removed;
  }
}

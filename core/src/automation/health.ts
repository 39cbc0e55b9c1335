import type { HealthSnapshot } from "openclaw-host-schemas";
import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Logger } from "../base/log.ts";
import type { StateVersions } from "./state-versions.ts";

/** A snapshot older than this is not served any more, and is renewed without being asked for, ms (wire protocol 5.2, 6). */
const MAX_AGE_MS = 60_000;
/** A younger snapshot is served as it is, ms: asking is cheap and must stay so, and who asks later sees what has changed. */
const FRESH_MS = 1_000;

/** News that come together are told together, ms. */
const RENEW_MS = 1_000;

/** What the rest of the gateway knows of its health. */
export type HealthFacts = Omit<HealthSnapshot, "ok" | "ts" | "durationMs">;

export interface HealthParts {
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly versions: StateVersions;
  readonly log: Logger;
  /** Collects the facts; `probe` asks platforms instead of telling what is known of them. */
  readonly facts: (options: { readonly probe: boolean }) => HealthFacts | Promise<HealthFacts>;
}

export interface Health {
  /** The newest snapshot, or `{}` before the first. Frozen. */
  readonly current: HealthSnapshot | Record<string, never>;
  /**
   * A snapshot of at most 1 s; with `probe` a new one. When the facts cannot be had it is one of at most 60 s, or the call
   * rejects.
   */
  get(options: { readonly probe: boolean }): HealthSnapshot | Promise<HealthSnapshot>;
  /** Tells one newcomer; the event comes right after its hello-ok when a snapshot is there. */
  greet(connId: string): void;
  /** Something has changed: tells everybody within a second, and once whatever else changes meanwhile. Nothing before `start`. */
  renew(): void;
  /** Makes the first snapshot and renews it every 60 s. */
  start(): Undo;
}

export function createHealth(parts: HealthParts): Health {
  return new HealthMonitor(parts);
}

class HealthMonitor implements Health {
  readonly #parts: HealthParts;
  #latest: HealthSnapshot | undefined;
  #refreshing: Promise<HealthSnapshot> | undefined;
  #renewing: Undo | undefined;
  #started = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  get current(): HealthSnapshot | Record<string, never> {
    return this.#latest ?? NOTHING;
  }

  get({ probe }: { readonly probe: boolean }): HealthSnapshot | Promise<HealthSnapshot> {
    const latest = this.#latest;
    const age = latest === undefined ? Infinity : this.#parts.clock.now() - latest.ts;
    if (probe) return this.#collect(true);
    if (latest === undefined || age > MAX_AGE_MS) return this.#refresh();
    return age < FRESH_MS ? latest : this.#refreshQuietly().then(() => this.#latest ?? latest);
  }

  greet(connId: string): void {
    const onlyTo = new Set([connId]);
    const { sink, versions } = this.#parts;
    const tell = (snapshot: HealthSnapshot): void =>
      sink.publish("health", snapshot, { onlyTo, stateVersion: versions.current });
    if (this.#latest !== undefined) tell(this.#latest);
    else void this.#refreshQuietly();
  }

  renew(): void {
    if (!this.#started) return;
    this.#renewing ??= this.#parts.clock.after(RENEW_MS, () => {
      this.#renewing = undefined;
      void this.#refreshQuietly();
    });
  }

  start(): Undo {
    this.#started = true;
    void this.#refreshQuietly();
    const stop = this.#parts.clock.every(MAX_AGE_MS, () => void this.#refreshQuietly());
    return () => {
      this.#started = false;
      stop();
      this.#renewing?.();
    };
  }

  /** One at a time: whoever comes meanwhile gets the same. */
  #refresh(): Promise<HealthSnapshot> {
    this.#refreshing ??= this.#collect(false).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshQuietly(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      this.#parts.log.error("could not collect the gateway's health", { error });
    }
  }

  async #collect(probe: boolean): Promise<HealthSnapshot> {
    const { clock, facts, sink, versions } = this.#parts;
    const startedAt = clock.now();
    const known = await facts({ probe });
    const ts = clock.now();
    // Frozen: it is serialised once for everybody who asks.
    const snapshot = Object.freeze({ ok: true as const, ts, durationMs: ts - startedAt, ...known });
    this.#latest = snapshot;
    sink.publish("health", snapshot, { stateVersion: versions.bump("health") });
    return snapshot;
  }
}

const NOTHING: Record<string, never> = Object.freeze({});

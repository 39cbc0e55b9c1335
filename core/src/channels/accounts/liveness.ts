import type { Closed, Health, ProbeResult } from "openclaw-host-sdk";
import type { Clock, Undo } from "../../base/clock.ts";

/** What proved that a platform answers. */
export type Proof =
  /** Events came, or the channel told of a completed round trip: the way in works. */
  | "link"
  /** A receipt or the answer of a probe: the platform answers, which says nothing of the way in. */
  | "answer";

export interface LivenessParts {
  readonly clock: Clock;
  /** How people call the platform. */
  readonly label: string;
  /** `Capabilities.livenessMs`. */
  readonly livenessMs?: number;
  /** Asks the platform; rejects when it does not answer in time. */
  readonly probe: () => Promise<ProbeResult>;
  readonly onHealth: (health: Omit<Health, "since">) => void;
}

/** Watches one connection: an open socket proves nothing, only completed round trips do. */
export interface Liveness {
  /** Settles when no round trip was completed for too long. Never rejects. */
  readonly silent: Promise<Closed>;
  proved(by: Proof): void;
  /** The channel said how it is. */
  reported(health: Omit<Health, "since">): void;
  stop(): void;
}

/**
 * The longest a connection may be silent, ms. A dead channel must show within 60 s (`/readyz`, `health`), and a snapshot of
 * health may be a second old; the longest long poll of a platform that we know takes 50 s
 * (https://core.telegram.org/bots/api#getupdates).
 */
const SILENCE_MS = 55_000;
/** A shorter promise would take every pause of a machine for a dead link, ms. */
const SHORTEST_MS = 5_000;
/** A channel that promises nothing is asked after this much silence, ms: two answers may fail before the silence is too long. */
const ASK_AFTER_MS = 20_000;
/** A channel that knows of its trouble and tells so mends it by itself; without a word for this long it is connected anew, ms. */
const TROUBLED_MS = 5 * 60_000;

const FIX = "Check this machine's network and whether the platform is up; the gateway connects again by itself";

const secondsOf = (ms: number): string => `${Math.round(ms / 1_000)} s`;

class LinkWatch implements Liveness {
  readonly #parts: LivenessParts;
  readonly #silent = Promise.withResolvers<Closed>();
  readonly #windowMs: number;
  /** The channel tells of its own round trips, so that nothing else proves its link. */
  readonly #promised: boolean;
  #cancelDeadline: Undo = () => {};
  #cancelAsking: Undo = () => {};
  #lastReported: number | undefined;
  /** What a failed probe told; taken back by the next proof. */
  #doubted = false;
  /** The channel's last word was that something is wrong. */
  #troubled = false;
  #stopped = false;

  constructor(parts: LivenessParts) {
    this.#parts = parts;
    const { livenessMs } = parts;
    this.#promised = livenessMs !== undefined;
    this.#windowMs = Math.min(SILENCE_MS, Math.max(SHORTEST_MS, livenessMs ?? SILENCE_MS));
    this.#wait(this.#windowMs);
  }

  get silent(): Promise<Closed> {
    return this.#silent.promise;
  }

  proved(by: Proof): void {
    if (this.#stopped || (this.#promised && by === "answer")) return;
    if (!this.#troubled) this.#wait(this.#windowMs);
    if (!this.#doubted) return;
    this.#doubted = false;
    this.#parts.onHealth({ state: "ready" });
  }

  reported({ state, lastRoundTripAt }: Omit<Health, "since">): void {
    if (this.#stopped) return;
    const isNew = lastRoundTripAt !== undefined && lastRoundTripAt !== this.#lastReported;
    if (isNew) this.#lastReported = lastRoundTripAt;
    // The channel's own word stands; what a probe found is not to be taken back any more.
    this.#doubted = false;
    const wasTroubled = this.#troubled;
    this.#troubled = state !== "ready";
    if (this.#troubled) this.#wait(TROUBLED_MS);
    else if (isNew || wasTroubled) this.#wait(this.#windowMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelDeadline();
    this.#cancelAsking();
  }

  /** Timers and not times: a clock that jumps proves nothing either way. */
  #wait(ms: number): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#parts.clock.after(ms, () => this.#giveUp(ms));
    this.#cancelAsking();
    if (!this.#promised) this.#cancelAsking = this.#parts.clock.after(ASK_AFTER_MS, () => void this.#ask());
  }

  #giveUp(ms: number): void {
    const { label } = this.#parts;
    this.stop();
    const detail = this.#promised
      ? `nothing has come back from ${label} for ${secondsOf(ms)}`
      : `${label} has not answered for ${secondsOf(ms)}`;
    this.#silent.resolve({ retry: "backoff", code: "silent", detail, fix: FIX });
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const doubt = await this.#doubt();
    if (this.#stopped) return;
    if (doubt === undefined) return this.proved("answer");
    this.#doubted = true;
    this.#parts.onHealth({ state: "degraded", ...doubt });
    this.#cancelAsking();
    this.#cancelAsking = this.#parts.clock.after(ASK_AFTER_MS / 2, () => void this.#ask());
  }

  /** Why the platform is not believed to be there; undefined when it answered. */
  async #doubt(): Promise<{ readonly detail: string; readonly fix: string } | undefined> {
    const { label, probe } = this.#parts;
    try {
      const { ok, detail, fix } = await probe();
      return ok ? undefined : { detail: detail ?? `${label} does not accept the account any more`, fix: fix ?? FIX };
    } catch (error) {
      return { detail: error instanceof Error ? error.message : String(error), fix: FIX };
    }
  }
}

export function watchLink(parts: LivenessParts): Liveness {
  return new LinkWatch(parts);
}

import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { type CrashPolicy, type CrashVerdict, createCrashBudget } from "./crash-budget.ts";
import { type Guest, LoadRefused } from "./guest.ts";
import { watchHeartbeat } from "./heartbeat.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { LineError } from "./line/line-error.ts";

/** Deadlines and patience of the host, ms. */
export interface SupervisionPolicy extends CrashPolicy {
  /** An extension must have loaded within this. Default 30 s. */
  readonly loadMs: number;
  /** How long a stop may take before the guest is killed. Default 2 s. */
  readonly stopMs: number;
}

/** With these delays a crash loop is given up after 8 to 15 s of waiting; one crash a day never is. */
export const DEFAULT_POLICY: SupervisionPolicy = {
  crashes: 5,
  windowMs: 600_000,
  baseDelayMs: 1_000,
  maxDelayMs: 60_000,
  loadMs: 30_000,
  stopMs: 2_000,
};

export interface SupervisorParts {
  readonly extension: string;
  /** Where the state is kept that `extensions.list` shows. */
  readonly life: Lifecycle;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly policy: SupervisionPolicy;
  /** Starts a guest; `generation` counts from 1. */
  readonly launch: (generation: number, signal: AbortSignal) => Promise<Guest>;
  /** The guest is loaded: what it offers can be registered. */
  readonly onActive: (guest: Guest) => void;
  /** The first start has ended, well or badly. May be called again. */
  readonly onSettled: () => void;
}

/** Keeps one extension running: starts it, and starts it again until it is stopped, refused or crashes too often. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  /** Aborted once; ends a start under way, a back-off and the loop. */
  readonly #stopping = new AbortController();
  readonly #crashed: (now: number) => CrashVerdict;
  /** Settles when the loop has ended for good. Never rejects. */
  readonly #done: Promise<void>;
  #running: Guest | undefined;
  /** Guests started so far. */
  #generation = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#crashed = createCrashBudget(parts.policy, () => parts.ids.fraction());
    this.#done = this.#run();
  }

  /** The running guest. Throws a retryable `LineError` when there is none. */
  guest(): Guest {
    if (this.#running !== undefined) return this.#running;
    const { current } = this.#parts.life;
    const why = "reason" in current ? `: ${current.reason}` : "";
    throw new LineError("down", `the extension '${this.#parts.extension}' is ${current.state}${why}`);
  }

  /** Starts after the first. */
  get restarts(): number {
    return Math.max(0, this.#generation - 1);
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Ends the guest as if it had crashed. */
  recycle(reason: string): void {
    this.#running?.kill(reason);
  }

  /** Asks the guest to stop, then ends it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const guest = this.#running;
    // A guest that does not stop in time, or dies meanwhile, has had its chance.
    await guest?.rpc.call("stop", null, { timeoutMs: this.#parts.policy.stopMs }).catch(() => {});
    guest?.kill("the gateway stopped it");
    await this.#done;
  }

  /** The whole life of the extension as one await chain. */
  async #run(): Promise<void> {
    const { clock, life, log, onSettled } = this.#parts;
    const stopping = this.#stopping.signal;
    try {
      while (!stopping.aborted) {
        const reason = await this.#runOnce();
        if (stopping.aborted) return;
        const delay = this.#afterCrash(reason);
        onSettled();
        if (delay === undefined) return;
        await clock.sleep(delay, stopping);
      }
    } catch (error) {
      if (error instanceof LoadRefused) life.enter({ state: "refused", reason: error.message, fix: error.fix });
      log.error("will not run", { reason: error instanceof Error ? error.message : String(error) });
    } finally {
      onSettled();
    }
  }

  /** One life of a guest, from its start to the reason of its end. Throws `LoadRefused`. */
  async #runOnce(): Promise<string> {
    const { clock, life } = this.#parts;
    const startedAt = clock.now();
    life.enter({ state: "loading" });
    let guest: Guest;
    try {
      guest = await this.#parts.launch(++this.#generation, this.#stopping.signal);
    } catch (error) {
      if (error instanceof LoadRefused) throw error;
      return error instanceof Error ? error.message : String(error);
    }
    if (this.#stopping.signal.aborted) guest.kill("the gateway is stopping");
    else this.#enterService(guest, clock.now() - startedAt);
    const reason = await guest.ended;
    this.#running = undefined;
    return reason;
  }

  /** The guest is loaded: register what it offers and watch that it answers. */
  #enterService(guest: Guest, loadMs: number): void {
    const { clock, life, log } = this.#parts;
    this.#running = guest;
    life.enter({ state: "active", loadMs });
    log.info("loaded", { ms: loadMs, ...(guest.pid === undefined ? {} : { pid: guest.pid }) });
    try {
      this.#parts.onActive(guest);
    } catch (error) {
      return guest.kill(`it could not be registered: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#parts.onSettled();
    const news = {
      late: () => life.enter({ state: "degraded", loadMs, reason: "it does not answer" }),
      recovered: () => life.enter({ state: "active", loadMs }),
      hung: () => guest.kill("it does not answer any more; does it run an endless loop?"),
    };
    watchHeartbeat(guest, clock, news).catch((error: unknown) =>
      log.error("heartbeat failed", { error: String(error) }),
    );
  }

  /** How long to wait before the next start; undefined when there is none. */
  #afterCrash(reason: string): number | undefined {
    const { clock, extension, life, log } = this.#parts;
    life.enter({ state: "crashed", reason });
    const verdict = this.#crashed(clock.now());
    if ("retryInMs" in verdict) {
      log.error("crashed", { reason, retryInMs: verdict.retryInMs });
      life.enter({ state: "backoff", reason, retryAt: clock.now() + verdict.retryInMs });
      return verdict.retryInMs;
    }
    const { crashes, minutes } = verdict;
    log.error("crashed too often and is not started again", { reason, crashes });
    life.enter({
      state: "quarantined",
      reason: `it crashed ${crashes} times within ${minutes} minutes; the last time ${reason}`,
      fix: `update or fix '${extension}', then start the gateway again`,
    });
    return undefined;
  }
}

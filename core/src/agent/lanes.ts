import type { SessionKey } from "../base/brand.ts";

/** How many runs may be active at once, over all sessions. */
const DEFAULT_MAX_CONCURRENT = 8;

/** What a waiting job rejects with when its signal aborts before it began. */
export class LeftLane extends Error {
  override readonly name = "LeftLane";
}

/**
 * Order among runs: one at a time per session, first come first served; a cap over all sessions, the session that has
 * waited longest first. Nothing is stored here: what must survive a crash is a row of `runs`.
 */
export interface Lanes {
  /**
   * Runs `job` when every earlier job of the lane has ended and a slot is free. Settles as the job does; rejects with
   * `LeftLane` when `signal` aborts while the job still waits. The job keeps its lane until it settles, its slot until then or
   * until it calls `leaveSlot`: others may work while it is only stored.
   */
  run<T>(key: SessionKey, job: (leaveSlot: () => void) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** How many slots there are. */
  readonly width: number;
  /** True while a job of another lane would begin at once. */
  hasSlot(): boolean;
  /** True while the lane runs or holds a job. */
  isBusy(key: SessionKey): boolean;
  /** Resolves when the lane is empty; at once when it is. */
  idle(key: SessionKey): Promise<void>;
  /** Resolves when all lanes are empty. */
  drained(): Promise<void>;
}

interface Waiting {
  /** Never rejects. */
  begin(leaveSlot: () => void): Promise<void>;
}

interface Lane {
  running: boolean;
  readonly waiting: Waiting[];
  readonly onIdle: (() => void)[];
}

export function createLanes(options: { maxConcurrent?: number } = {}): Lanes {
  return new LaneTable(options.maxConcurrent ?? DEFAULT_MAX_CONCURRENT);
}

class LaneTable implements Lanes {
  readonly width: number;
  readonly #lanes = new Map<SessionKey, Lane>();
  /** Lanes that have a job but no slot yet, longest waiting first. */
  readonly #ready: SessionKey[] = [];
  readonly #onDrained: (() => void)[] = [];
  #active = 0;

  constructor(cap: number) {
    this.width = cap;
  }

  run<T>(key: SessionKey, job: (leaveSlot: () => void) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const left = () => reject(new LeftLane("aborted before it began"));
      if (signal?.aborted === true) return left();
      const drop = () => {
        this.#remove(key, waiting);
        left();
      };
      const waiting: Waiting = {
        begin(leaveSlot) {
          signal?.removeEventListener("abort", drop);
          // A job that throws before its first await must free its slot like any other.
          return Promise.resolve(leaveSlot).then(job).then(resolve, reject);
        },
      };
      signal?.addEventListener("abort", drop, { once: true });
      this.#add(key, waiting);
      this.#fill();
    });
  }

  hasSlot(): boolean {
    return this.#active < this.width;
  }

  isBusy(key: SessionKey): boolean {
    return this.#lanes.has(key);
  }

  idle(key: SessionKey): Promise<void> {
    const lane = this.#lanes.get(key);
    return lane === undefined ? Promise.resolve() : new Promise((resolve) => void lane.onIdle.push(resolve));
  }

  drained(): Promise<void> {
    return this.#lanes.size === 0 ? Promise.resolve() : new Promise((resolve) => void this.#onDrained.push(resolve));
  }

  #add(key: SessionKey, job: Waiting): void {
    const lane = this.#lanes.get(key) ?? { running: false, waiting: [], onIdle: [] };
    this.#lanes.set(key, lane);
    lane.waiting.push(job);
    if (!lane.running && lane.waiting.length === 1) this.#ready.push(key);
  }

  #remove(key: SessionKey, job: Waiting): void {
    const lane = this.#lanes.get(key);
    const at = lane?.waiting.indexOf(job) ?? -1;
    if (lane === undefined || at < 0) return;
    lane.waiting.splice(at, 1);
    this.#leave(key, lane);
  }

  #fill(): void {
    while (this.hasSlot()) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const lane = this.#lanes.get(key);
      // A lane whose only job left is still listed, and may have been entered and listed again since.
      if (lane === undefined || lane.running) continue;
      const next = lane.waiting.shift();
      if (next !== undefined) this.#begin(key, lane, next);
    }
  }

  #begin(key: SessionKey, lane: Lane, job: Waiting): void {
    this.#active += 1;
    lane.running = true;
    let left = false;
    const leaveSlot = () => {
      if (left) return;
      left = true;
      this.#active -= 1;
      this.#fill();
    };
    void job.begin(leaveSlot).then(() => {
      lane.running = false;
      if (lane.waiting.length > 0) this.#ready.push(key);
      this.#leave(key, lane);
      leaveSlot();
      this.#fill();
    });
  }

  /** Forgets a lane that is empty and tells those who wait for that. */
  #leave(key: SessionKey, lane: Lane): void {
    if (lane.running || lane.waiting.length > 0) return;
    this.#lanes.delete(key);
    for (const resolve of lane.onIdle) resolve();
    if (this.#lanes.size === 0) for (const resolve of this.#onDrained.splice(0)) resolve();
  }
}

import { jsonWeight, NODE_WEIGHT } from "./pack.ts";
import type { Job } from "./writer-protocol.ts";

/** Most jobs in one transaction, so that the first of them does not wait for thousands. */
const WRITES_PER_GROUP = 1024;
/** Most reads at once: each may return 6 MiB, and all of them meet in the writer's memory. */
const READS_PER_GROUP = 8;
/** UTF-16 units of arguments; a group is closed by the job that passes it. */
const GROUP_WEIGHT: number = 4 * 1024 * 1024;
/** The heaviest job: more than the largest frame a client may send. */
export const JOB_WEIGHT: number = 32 * 1024 * 1024;
/** What may wait for the disk before new jobs are refused. */
const WAITING_JOBS = 100_000;
const WAITING_WEIGHT: number = 256 * 1024 * 1024;

/** About how many UTF-16 units the value takes, counted up to just over `JOB_WEIGHT`: that ends even on a cycle. */
export function weigh(value: unknown): number {
  let weight = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && weight <= JOB_WEIGHT) {
    const next = open.pop();
    weight += NODE_WEIGHT;
    if (typeof next === "string") weight += next.length;
    else if (ArrayBuffer.isView(next)) weight += next.byteLength / 2;
    else if (typeof next === "object" && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return weight;
}

interface Waiting<J> {
  readonly job: J;
  readonly weight: number;
}

/**
 * Jobs on their way to the writer. Writes leave in the order they came, as many as fit a group; reads leave in their own
 * order between groups of writes, so that neither waits for all of the other.
 */
export class JobQueue<J extends Job> {
  readonly #readOnly: ReadonlySet<string>;
  #writes: Waiting<J>[] = [];
  #reads: Waiting<J>[] = [];
  #weight = 0;
  #readsNext = false;

  constructor(readOnly: ReadonlySet<string>) {
    this.#readOnly = readOnly;
  }

  get size(): number {
    return this.#writes.length + this.#reads.length;
  }

  /** Says why the job was not taken. `json` is what `jsonWeight` told of its arguments. */
  push(job: J, json: number = jsonWeight(job.args)): "taken" | "too-heavy" | "overloaded" {
    const weight = Number.isNaN(json) ? weigh(job.args) : json;
    if (weight > JOB_WEIGHT) return "too-heavy";
    if (this.size >= WAITING_JOBS || this.#weight + weight > WAITING_WEIGHT) return "overloaded";
    (this.#readOnly.has(job.command) ? this.#reads : this.#writes).push({ job, weight });
    this.#weight += weight;
    return "taken";
  }

  /** The next group, reads only or writes only; empty when nothing waits. */
  take(): J[] {
    const reads = this.#reads.length > 0 && (this.#readsNext || this.#writes.length === 0);
    this.#readsNext = !reads;
    return reads ? this.#cut(this.#reads, READS_PER_GROUP) : this.#cut(this.#writes, WRITES_PER_GROUP);
  }

  /** Everything that waits, for a writer that will never come back. */
  drain(): J[] {
    const jobs = [...this.#writes, ...this.#reads].map((waiting) => waiting.job);
    this.#writes = [];
    this.#reads = [];
    this.#weight = 0;
    return jobs;
  }

  #cut(queue: Waiting<J>[], most: number): J[] {
    let weight = 0;
    let count = 0;
    for (const waiting of queue) {
      if (count === most || weight > GROUP_WEIGHT) break;
      weight += waiting.weight;
      count += 1;
    }
    this.#weight -= weight;
    return queue.splice(0, count).map((waiting) => waiting.job);
  }
}

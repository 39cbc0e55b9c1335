import { type MessagePort, Worker } from "node:worker_threads";
import type { Logger } from "../../base/log.ts";
import { JobQueue } from "./job-queue.ts";
import { jsonWeight, pack, unpack } from "./pack.ts";
import { READ_ONLY } from "../read-only.ts";
import { describeFailure, StoreError, type StoreErrorData } from "../store-error.ts";
import type { FromWriter, Job, JobResult, ToWriter, WriterData } from "./writer-protocol.ts";

export interface WriterLinkOptions {
  readonly path: string;
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
  readonly mustExist?: boolean;
  readonly faults?: MessagePort;
  /** Code of the writer thread; `writer.ts` from source and `writer.js` beside the bundle by default. */
  readonly entry?: URL;
}

/** The main thread's end of the writer. */
export interface WriterLink {
  run(command: string, args: unknown): Promise<unknown>;
  close(): Promise<void>;
}

interface Pending extends Job {
  /** See `pack`. */
  readonly isJson: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A group that waits behind the one that is being written lets the writer go on at once. It must be large, since what comes
 * later will not share its commit.
 */
const GROUPS_AT_ONCE = 2;
const WORTH_WAITING = 64;

/** What the writer said of a job, not told to its caller yet. */
interface Answer {
  readonly job: Pending;
  readonly result: JobResult | undefined;
}

/**
 * Callers that are told at once. What they do then is work on the event loop: in between others have their turn, and what the
 * first of them store next is already with the writer while the last are still at work.
 */
const ANSWERS_AT_ONCE = 32;

/** Heap of the writer, MiB: a limit for its largest groups (see `JobQueue`), not what it takes when idle. */
const HEAP_MIB = 256;
/** Young garbage of the writer, MiB: more makes it a little faster, and the process grows by as much under lasting load. */
const YOUNG_HEAP_MIB = 6;

function ownEntry(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./writer.ts" : "./writer.js", import.meta.url);
}

function startWorker({ path, mustExist = false, entry = ownEntry(), faults }: WriterLinkOptions): Worker {
  return new Worker(entry, {
    name: "store-writer",
    workerData: { path, mustExist, ...(faults && { faults }) } satisfies WriterData,
    transferList: faults === undefined ? [] : [faults],
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_HEAP_MIB },
  });
}

/** Starts the writer and waits until the database is open. Rejects with a `StoreError`. */
export function connectWriter(options: WriterLinkOptions): Promise<WriterLink> {
  return new Promise((resolve, reject) => {
    const worker = startWorker(options);
    const link = new Link(worker, options);
    worker.on("message", (message: FromWriter) => {
      switch (message.state) {
        case "ready":
          return resolve(link);
        case "refused":
          link.abandon();
          return reject(new StoreError(message.failed));
        case "results":
          return link.settle(unpack<JobResult>(message.results));
      }
    });
    worker.on("error", (error) => {
      link.fail(error);
      reject(deadWriter(error));
    });
    worker.on("messageerror", (error) => link.fail(error));
    worker.on("exit", (code) => {
      link.exited(code);
      reject(deadWriter(new Error(`exit code ${code}`)));
    });
  });
}

const deadWriter = (cause: unknown): StoreError =>
  new StoreError({
    kind: "closed",
    message: `the database writer ended (${cause instanceof Error ? cause.message : String(cause)}): restart the gateway`,
  });

type State = { is: "open" } | { is: "closing"; done: () => void } | { is: "ended"; why: StoreErrorData };

/** Groups follow each other; what arrives while the writer is at work forms the next one. */
class Link implements WriterLink {
  readonly #worker: Worker;
  readonly #options: WriterLinkOptions;
  #state: State = { is: "open" };
  readonly #queue: JobQueue<Pending> = new JobQueue(READ_ONLY);
  /** Groups that are with the writer, in order. */
  readonly #sent: (readonly Pending[])[] = [];
  #answers: Answer[] = [];
  #answering = false;
  #flushing = false;
  #closed: Promise<void> | undefined;

  constructor(worker: Worker, options: WriterLinkOptions) {
    this.#worker = worker;
    this.#options = options;
  }

  run(command: string, args: unknown): Promise<unknown> {
    if (this.#state.is !== "open") return Promise.reject(new StoreError(this.#whyNot()));
    const json = jsonWeight(args);
    return new Promise((resolve, reject) => {
      const pushed = this.#queue.push({ command, args, isJson: !Number.isNaN(json), resolve, reject }, json);
      if (pushed === "taken") this.#flushSoon();
      else
        reject(
          new StoreError(
            pushed === "overloaded" ? OVERLOADED : { ...TOO_HEAVY, message: `${command}: ${TOO_HEAVY.message}` },
          ),
        );
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#state.is === "ended") return resolve();
      this.#state = { is: "closing", done: resolve };
      this.#flushSoon();
    });
    return this.#closed;
  }

  settle(results: readonly JobResult[]): void {
    const settled = this.#sent.shift() ?? [];
    for (const [index, job] of settled.entries()) this.#answers.push({ job, result: results[index] });
    // The next group goes out first: the writer works while the answers of this one are used.
    this.#flush();
    if (!this.#answering) this.#answer();
  }

  #answer(): void {
    this.#answering = true;
    for (const { job, result } of this.#answers.splice(0, ANSWERS_AT_ONCE)) {
      if (result === undefined) job.reject(new StoreError({ kind: "bug", message: `no result for ${job.command}` }));
      else if ("failed" in result) job.reject(new StoreError(result.failed));
      else job.resolve(result.value);
    }
    // Not before those who were told have asked for what they need: it then shares a transaction.
    setImmediate(() => {
      this.#flush();
      this.#answering = false;
      if (this.#answers.length > 0) this.#answer();
    });
  }

  /** The writer refused to open the database: its exit is expected. */
  abandon(): void {
    this.#state = { is: "ended", why: CLOSED };
    void this.#worker.terminate().catch(() => undefined);
  }

  fail(error: unknown): void {
    if (this.#state.is === "ended") return;
    const dead = deadWriter(error);
    const closing = this.#state.is === "closing" ? this.#state.done : undefined;
    this.#state = { is: "ended", why: { kind: dead.kind, message: dead.message } };
    this.#options.log.error("the database writer ended", { error: dead.message });
    for (const job of [...this.#sent.splice(0).flat(), ...this.#queue.drain()]) job.reject(dead);
    closing?.();
    this.#options.onFatal(dead);
  }

  exited(code: number): void {
    if (this.#state.is === "closing" && code === 0 && this.#sent.length + this.#queue.size === 0) {
      const { done } = this.#state;
      this.#state = { is: "ended", why: CLOSED };
      return done();
    }
    this.fail(new Error(`exit code ${code}`));
  }

  #whyNot(): StoreErrorData {
    return this.#state.is === "ended" ? this.#state.why : CLOSED;
  }

  /** After the current callback, so that everything it asks for shares one transaction. */
  #flushSoon(): void {
    if (this.#flushing || this.#answering) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#state.is === "ended" || this.#queue.size < this.#worthwhile()) return;
    const group = this.#queue.take();
    if (group.length === 0) {
      if (this.#state.is === "closing" && this.#answers.length === 0)
        this.#worker.postMessage({ close: true } satisfies ToWriter);
      return;
    }
    const sent = this.#send(group) === undefined ? group : this.#sendClonable(group);
    if (sent.length > 0) this.#sent.push(sent);
    else this.#flushSoon();
  }

  /** So many jobs make a group now. */
  #worthwhile(): number {
    if (this.#sent.length === 0) return 0;
    return this.#sent.length < GROUPS_AT_ONCE ? WORTH_WAITING : Infinity;
  }

  /** Undefined when the group is on its way, else why not. */
  #send(group: readonly Pending[]): StoreError | undefined {
    try {
      const jobs = group.map(({ command, args }): Job => ({ command, args }));
      this.#worker.postMessage({ jobs: pack(jobs, (_, at) => group[at]?.isJson === true) } satisfies ToWriter);
      return undefined;
    } catch (error) {
      return new StoreError(describeFailure(error));
    }
  }

  /** Some arguments cannot cross threads: rejects those calls and sends the others, one group again. */
  #sendClonable(group: readonly Pending[]): Pending[] {
    const clonable = group.filter((job) => {
      const failed = cloneFailure(job.args);
      if (failed !== undefined) job.reject(failed);
      return failed === undefined;
    });
    const failed = clonable.length === 0 ? undefined : this.#send(clonable);
    if (failed === undefined) return clonable;
    for (const job of clonable) job.reject(failed);
    return [];
  }
}

function cloneFailure(args: unknown): StoreError | undefined {
  try {
    structuredClone(args);
    return undefined;
  } catch (error) {
    return new StoreError(describeFailure(error));
  }
}

const CLOSED: StoreErrorData = { kind: "closed", message: "the store is closed: the gateway is stopping" };
const OVERLOADED: StoreErrorData = { kind: "io", message: "the disk is too slow for the load: try again later" };
const TOO_HEAVY: StoreErrorData = { kind: "bug", message: "the arguments are too large to store: split them" };

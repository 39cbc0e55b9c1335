import type { MessagePort } from "node:worker_threads";
import type { StoreErrorData } from "../store-error.ts";
import type { Packed } from "./pack.ts";

/** One call of a command. */
export interface Job {
  readonly command: string;
  readonly args: unknown;
}

/** Main thread to writer. `jobs` are packed `Job`s; each of them is answered by `results`, in order. */
export type ToWriter = { readonly jobs: Packed } | { readonly close: true };

/** What became of a job. */
export type JobResult = { readonly value?: unknown } | { readonly failed: StoreErrorData };

/** Writer to main thread. `results` are packed `JobResult`s, one per job, in order, sent after the commit. */
export type FromWriter =
  | { readonly state: "ready" }
  | { readonly state: "refused"; readonly failed: StoreErrorData }
  | { readonly state: "results"; readonly results: Packed };

/** What the writer is started with. */
export interface WriterData {
  readonly path: string;
  /** See `StoreOptions`. */
  readonly mustExist?: boolean;
  /** See `StoreOptions.faults`. */
  readonly faults?: MessagePort;
}

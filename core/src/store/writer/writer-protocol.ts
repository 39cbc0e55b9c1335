import type { MessagePort } from "node:worker_threads";
import type { StoreErrorData } from "../store-error.ts";

/** One call of a command. */
export interface Job {
  readonly command: string;
  readonly args: unknown;
}

/** Main thread to writer. The next `jobs` comes only after the results of the last. */
export type ToWriter = { readonly jobs: readonly Job[] } | { readonly close: true };

/** What became of a job. */
export type JobResult = { readonly value: unknown } | { readonly failed: StoreErrorData };

/** Writer to main thread. `results` has one element per job, in order, and is sent after the commit. */
export type FromWriter =
  | { readonly state: "ready" }
  | { readonly state: "refused"; readonly failed: StoreErrorData }
  | { readonly state: "results"; readonly results: readonly JobResult[] };

/** What the writer is started with. */
export interface WriterData {
  readonly path: string;
  /** See `StoreOptions`. */
  readonly mustExist?: boolean;
  /** See `StoreOptions.faults`. */
  readonly faults?: MessagePort;
}

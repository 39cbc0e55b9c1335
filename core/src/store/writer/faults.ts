import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { describeFailure } from "../store-error.ts";
import type { Job, JobResult } from "./writer-protocol.ts";

/**
 * What a test does to the writer of a real database: a pragma on its connection (`max_page_count`, `query_only`), a slow disk,
 * or a disk that fails every call. The writer answers each with `"in force"`.
 */
export type Fault = { readonly pragma: string } | { readonly slowMs: number } | { readonly failing: boolean };

/** https://www.sqlite.org/rescode.html#ioerr */
const EIO: JobResult = { failed: describeFailure(Object.assign(new Error("disk I/O error"), { errcode: 10 })) };

type Run = (jobs: readonly Job[]) => JobResult[];

/** The writer's way of running a group, with the faults that were asked for. */
export function withFaults(port: MessagePort, db: DatabaseSync, run: Run): Run {
  let slowMs = 0;
  let failing = false;
  const pragmas = new Map<string, string>();
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const inject = (fault: Fault): void => {
    if ("pragma" in fault) pragmas.set(fault.pragma.replace(/=.*/u, "").trim(), `PRAGMA ${fault.pragma}`);
    else if ("slowMs" in fault) slowMs = fault.slowMs;
    else failing = fault.failing;
    port.postMessage("in force");
  };
  // What was asked for before the database was open is in force from the first command on.
  for (let early = receiveMessageOnPort(port); early !== undefined; early = receiveMessageOnPort(port)) {
    inject(early.message as Fault);
  }
  port.on("message", inject);
  port.unref();
  return (jobs) => {
    if (slowMs > 0) Atomics.wait(clock, 0, 0, slowMs);
    // Before every group, because a group of reads sets `query_only` itself.
    for (const pragma of pragmas.values()) db.prepare(pragma).all();
    return failing ? jobs.map(() => EIO) : run(jobs);
  };
}

import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { COMMANDS } from "../commands.ts";
import { withFaults } from "./faults.ts";
import { GroupRunner } from "./group.ts";
import { openFile } from "./open-file.ts";
import { jsonWeight, pack, unpack } from "./pack.ts";
import { READ_ONLY } from "../read-only.ts";
import { describeFailure } from "../store-error.ts";
import type { FromWriter, Job, JobResult, ToWriter, WriterData } from "./writer-protocol.ts";

/** The writer thread: the only place of the process that has host.db open. */

/** A result without a value has none in JSON either. */
const isJson = (result: JobResult): boolean =>
  "failed" in result || result.value === undefined || !Number.isNaN(jsonWeight(result.value));

/** Results that cannot cross threads become failures; the others keep their values. */
function crossable(results: readonly JobResult[]): JobResult[] {
  return results.map((result) => {
    try {
      return structuredClone(result);
    } catch (error) {
      return { failed: describeFailure(error) };
    }
  });
}

function serve(port: NonNullable<typeof parentPort>, db: DatabaseSync, { faults }: WriterData): void {
  const runner = new GroupRunner({ db, commands: COMMANDS, readOnly: READ_ONLY });
  const plain = runner.run.bind(runner);
  const run = faults === undefined ? plain : withFaults(faults, db, plain);
  const send = (message: FromWriter) => port.postMessage(message);
  port.on("message", (message: ToWriter) => {
    if ("close" in message) {
      db.close();
      port.close();
      faults?.close();
      return;
    }
    const results = run(unpack<Job>(message.jobs));
    try {
      send({ state: "results", results: pack(results, isJson) });
    } catch {
      send({ state: "results", results: pack(crossable(results), isJson) });
    }
  });
  send({ state: "ready" });
}

const port = parentPort;
if (port === null) throw new Error("store/writer is a worker entry: start it through openStore");
try {
  const data = workerData as WriterData;
  serve(port, openFile(data), data);
} catch (error) {
  port.postMessage({ state: "refused", failed: describeFailure(error) } satisfies FromWriter);
}

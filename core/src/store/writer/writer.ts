import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { ensurePrivateDir, ensurePrivateFile } from "../../base/private-file.ts";
import { COMMANDS } from "../commands.ts";
import { withFaults } from "./faults.ts";
import { GroupRunner } from "./group.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "../migrations/index.ts";
import { READ_ONLY } from "../read-only.ts";
import { describeFailure } from "../store-error.ts";
import type { FromWriter, JobResult, ToWriter, WriterData } from "./writer-protocol.ts";

/** The writer thread: the only place of the process that has host.db open. */

/** How long to wait when a backup tool holds the file, ms. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * WAL with a full sync makes a commit durable (https://www.sqlite.org/pragma.html#pragma_synchronous). The page cache is
 * 4 MiB, and a write-ahead log that grew is cut back to 32 MiB.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA cache_size = -4096;
  PRAGMA journal_size_limit = 33554432;
`;

function open(path: string): DatabaseSync {
  ensurePrivateDir(dirname(path));
  ensurePrivateFile(path);
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.exec(PRAGMAS);
    migrate(db, MIGRATIONS);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

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
    const results = run(message.jobs);
    try {
      send({ state: "results", results });
    } catch {
      send({ state: "results", results: crossable(results) });
    }
  });
  send({ state: "ready" });
}

const port = parentPort;
if (port === null) throw new Error("store/writer is a worker entry: start it through openStore");
try {
  const data = workerData as WriterData;
  serve(port, open(data.path), data);
} catch (error) {
  port.postMessage({ state: "refused", failed: describeFailure(error) } satisfies FromWriter);
}

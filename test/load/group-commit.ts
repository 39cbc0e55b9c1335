import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { inFlight } from "./pipeline.ts";

const RUN_MS = 2_000;
const BODY = JSON.stringify({ role: "assistant", content: [{ type: "text", text: "x".repeat(100) }] });

/**
 * Rows a second of the barest server that could be durable: `writers` asynchronous writers, each of which waits for the commit of
 * its row before it writes the next. The database is in a worker thread, since a server that synced on its main thread would hear
 * nobody meanwhile; rows that come while a group is being committed form the next group. Nothing else is done to a row: no
 * session, no frame, no second index. (One loop that commits 16 rows at a time and waits for nobody is several times as fast, and
 * nothing that answers 16 callers can be written like that.)
 */
export async function groupCommits(writers: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-load-"));
  const worker = new Worker(new URL(import.meta.url), { workerData: join(folder, "raw.db") });
  await once(worker, "message");
  let asked: { readonly row: string; readonly committed: () => void }[] = [];
  let sent: typeof asked = [];
  const flush = () => {
    if (sent.length > 0 || asked.length === 0) return;
    sent = asked;
    asked = [];
    worker.postMessage(sent.map(({ row }) => row));
  };
  worker.on("message", () => {
    const done = sent;
    sent = [];
    for (const { committed } of done) committed();
  });
  const write = (row: string) =>
    new Promise<void>((committed) => {
      asked.push({ row, committed });
      // After the current callback, so that all who were answered together write together.
      queueMicrotask(flush);
    });
  try {
    return await inFlight({ width: writers, forMs: RUN_MS }, () => write(BODY));
  } finally {
    await worker.terminate();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Synced as the gateway's database is. */
function serve(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)",
  );
  const insert = db.prepare("INSERT INTO rows (body) VALUES (?)");
  parentPort?.on("message", (rows: readonly string[]) => {
    db.exec("BEGIN");
    for (const row of rows) insert.run(row);
    db.exec("COMMIT");
    parentPort?.postMessage(rows.length);
  });
  parentPort?.postMessage("ready");
}

if (!isMainThread) serve(String(workerData));

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { makeTestDir } from "../test-store.ts";

/** Appends without end from many sides and prints the id of a message once the store says that it is durable. */
const APPEND_FOREVER = `
  const { openStore } = await import(process.argv[1]);
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  const store = await openStore({ path: process.argv[2], log, onFatal: () => process.exit(9) });
  const round = process.argv[3];
  let next = 0;
  const loop = async (session) => {
    for (;;) {
      const id = round + ":" + next++;
      const message = { role: "user", content: id, timestamp: 1 };
      await store.run("sessions.append", { key: "agent:main:" + session, at: 1, messages: [{ id, message }] });
      process.stdout.write(id + "\\n");
    }
  };
  for (let session = 0; session < 32; session++) void loop(session);
`;

const ROUNDS = 5;
const ACKNOWLEDGED_PER_ROUND = 500;

/** Runs the child until it acknowledged enough, kills it with SIGKILL, and returns everything it acknowledged. */
async function appendUntilKilled(path: string, round: number): Promise<string[]> {
  const store = new URL("../db.ts", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", APPEND_FOREVER, store, path, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let lines = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    lines += text.split("\n").length - 1;
    if (lines >= ACKNOWLEDGED_PER_ROUND) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  // What follows the last line end was cut by the kill.
  return output.split("\n").slice(0, -1);
}

describe("kill -9 in the middle of writing", () => {
  it("loses no acknowledged message and leaves a sound database", async () => {
    const dir = makeTestDir();
    const path = join(dir.path, "host.db");
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) acknowledged.push(...(await appendUntilKilled(path, round)));
    const db = new DatabaseSync(path);
    const stored = new Set(
      db
        .prepare("SELECT message_id FROM transcripts")
        .all()
        .map((row) => row["message_id"]),
    );
    expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    db.close();
    expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS * ACKNOWLEDGED_PER_ROUND);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    dir.remove();
  }, 60_000);
});

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GroupRunner } from "./group.ts";
import { makeTestDir, type TestDir } from "../test-store.ts";
import type { Command, Tx } from "../tx.ts";

let dir: TestDir;
let db: DatabaseSync;
let other: DatabaseSync;

const commands = {
  put: (tx: Tx, args: { id: number }): number => tx.run("INSERT INTO t VALUES (?)", args.id),
  putThenThrow: (tx: Tx, args: { id: number }): never => {
    tx.run("INSERT INTO t VALUES (?)", args.id);
    throw new Error("thought better of it");
  },
  owe: (tx: Tx, args: { id: number }): number => tx.run("INSERT INTO child VALUES (?)", args.id),
  count: (tx: Tx, _args: unknown): number => Number(tx.get<{ n: number }>("SELECT count(*) AS n FROM t")?.n),
  lose: (tx: Tx, _args: unknown): never => {
    tx.run("ROLLBACK");
    throw new Error("the transaction is gone");
  },
} satisfies Record<string, Command>;

const run = (...jobs: [string, unknown?][]) =>
  new GroupRunner({ db, commands, readOnly: new Set(["count"]) }).run(
    jobs.map(([command, args]) => ({ command, args: args ?? {} })),
  );
const stored = () =>
  other
    .prepare("SELECT id FROM t ORDER BY id")
    .all()
    .map((row) => row["id"]);

beforeEach(() => {
  dir = makeTestDir();
  const path = join(dir.path, "t.db");
  db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT");
  db.exec("CREATE TABLE child (id INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED) STRICT");
  other = new DatabaseSync(path);
});

afterEach(() => {
  other.close();
  db.close();
  dir.remove();
});

describe("a group of jobs", () => {
  it("is on disk, for other connections too, when the results are known", () => {
    expect(run(["put", { id: 1 }], ["put", { id: 2 }])).toEqual([{ value: 1 }, { value: 1 }]);
    expect(stored()).toEqual([1, 2]);
  });

  it("loses nothing to a job that fails: that one alone is undone", () => {
    const results = run(["put", { id: 1 }], ["putThenThrow", { id: 2 }], ["put", { id: 1 }], ["put", { id: 3 }]);
    expect(results[0]).toEqual({ value: 1 });
    expect(results[1]).toMatchObject({ failed: { kind: "bug", message: "thought better of it" } });
    expect(results[2]).toMatchObject({ failed: { kind: "bug", code: 1555 } });
    expect(results[3]).toEqual({ value: 1 });
    expect(stored()).toEqual([1, 3]);
  });

  it("does not let one that fails run beside the transaction: nothing of its group is there until the others are", () => {
    const seen: unknown[][] = [];
    const look = { ...commands, look: (_tx: Tx, _args: unknown) => void seen.push(stored()) };
    const jobs = ["put", "look", "putThenThrow", "look"].map((command, index) => ({ command, args: { id: index } }));
    const results = new GroupRunner({ db, commands: look, readOnly: new Set() }).run(jobs);
    expect(results.map((result) => "failed" in result)).toEqual([false, false, true, false]);
    expect(seen.flat()).toEqual([]);
    expect(stored()).toEqual([0]);
  });

  it("lets a later job see what an earlier one wrote", () => {
    expect(run(["put", { id: 1 }], ["count"])).toEqual([{ value: 1 }, { value: 1 }]);
  });

  it("fails every job when the commit fails", () => {
    const results = run(["put", { id: 1 }], ["owe", { id: 99 }]);
    expect(results).toHaveLength(2);
    for (const result of results) expect(result).toMatchObject({ failed: { kind: "bug" } });
    expect(stored()).toEqual([]);
    expect(run(["put", { id: 5 }])).toEqual([{ value: 1 }]);
  });

  it("fails every job when the transaction is lost half-way, and works again afterwards", () => {
    const results = run(["put", { id: 1 }], ["lose"], ["put", { id: 2 }]);
    expect(results).toHaveLength(3);
    for (const result of results) expect(result).toMatchObject({ failed: { message: "the transaction is gone" } });
    expect(stored()).toEqual([]);
    expect(run(["put", { id: 2 }])).toEqual([{ value: 1 }]);
  });

  it("says what to do when the disk is full", () => {
    db.exec("PRAGMA max_page_count = 4; CREATE TABLE big (x TEXT)");
    const fill = { fill: (tx: Tx, _args: unknown) => tx.run("INSERT INTO big VALUES (?)", "x".repeat(100_000)) };
    const [result] = new GroupRunner({ db, commands: fill, readOnly: new Set() }).run([{ command: "fill", args: {} }]);
    expect(result).toMatchObject({ failed: { kind: "full", message: expect.stringContaining("free some space") } });
  });

  it("reads without a transaction, and refuses a write that claims to be a read", () => {
    run(["put", { id: 1 }]);
    expect(run(["count"], ["count"])).toEqual([{ value: 1 }, { value: 1 }]);
    const liar = new GroupRunner({ db, commands, readOnly: new Set(["put"]) });
    expect(liar.run([{ command: "put", args: { id: 2 } }])[0]).toMatchObject({ failed: { kind: "io" } });
    expect(stored()).toEqual([1]);
  });

  it("names a command that does not exist", () => {
    expect(run(["nothing"])[0]).toEqual({ failed: { kind: "bug", message: 'no store command "nothing"' } });
  });
});

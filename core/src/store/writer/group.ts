import type { DatabaseSync, StatementSync } from "node:sqlite";
import { describeFailure, type StoreErrorData } from "../store-error.ts";
import { type Command, Tx } from "../tx.ts";
import type { Job, JobResult } from "./writer-protocol.ts";

export interface GroupOptions {
  readonly db: DatabaseSync;
  readonly commands: Readonly<Record<string, Command>>;
  readonly readOnly: ReadonlySet<string>;
}

/** The group's transaction is gone, and with it what its earlier jobs wrote. */
class TransactionLost extends Error {
  readonly failed: StoreErrorData;
  constructor(failed: StoreErrorData) {
    super(failed.message);
    this.failed = failed;
  }
}

type Call = (tx: Tx, args: unknown) => unknown;

/**
 * Runs groups of jobs on one connection. A group is one transaction and one fsync. A job that throws undoes its own writes only:
 * the group is rolled back and run again, each job with a savepoint. These are not there from the start because SQLite copies
 * every page that is changed under one (a quarter of a group's time), and hardly a job throws. When the commit fails every job
 * of the group fails.
 */
export class GroupRunner {
  readonly #db: DatabaseSync;
  readonly #tx: Tx;
  readonly #commands: Readonly<Record<string, Command>>;
  readonly #readOnly: ReadonlySet<string>;
  readonly #statements = new Map<string, StatementSync>();

  constructor(options: GroupOptions) {
    this.#db = options.db;
    this.#tx = new Tx(options.db);
    this.#commands = options.commands;
    this.#readOnly = options.readOnly;
  }

  /** One result per job, in order; everything reported as a value is on disk. Never throws. */
  run(jobs: readonly Job[]): JobResult[] {
    return jobs.every((job) => this.#readOnly.has(job.command)) ? this.#read(jobs) : this.#write(jobs);
  }

  #read(jobs: readonly Job[]): JobResult[] {
    this.#exec("PRAGMA query_only = 1");
    try {
      return jobs.map((job) => this.#attempt(job));
    } finally {
      this.#exec("PRAGMA query_only = 0");
    }
  }

  #write(jobs: readonly Job[]): JobResult[] {
    try {
      return this.#allOrNone(jobs) ?? this.#oneByOne(jobs);
    } catch (error) {
      const failed = error instanceof TransactionLost ? error.failed : describeFailure(error);
      if (this.#db.isTransaction) this.#exec("ROLLBACK");
      return jobs.map(() => ({ failed }));
    }
  }

  /** Undefined, with nothing changed, when a job failed. */
  #allOrNone(jobs: readonly Job[]): JobResult[] | undefined {
    this.#exec("BEGIN IMMEDIATE");
    const results: JobResult[] = [];
    for (const job of jobs) {
      const result = this.#attempt(job);
      if ("failed" in result) {
        // Nothing may run after this: SQLite may have ended the transaction, and each statement would commit by itself.
        if (this.#db.isTransaction) this.#exec("ROLLBACK");
        return undefined;
      }
      results.push(result);
    }
    this.#exec("COMMIT");
    return results;
  }

  #oneByOne(jobs: readonly Job[]): JobResult[] {
    this.#exec("BEGIN IMMEDIATE");
    const results = jobs.map((job) => this.#inSavepoint(job));
    this.#exec("COMMIT");
    return results;
  }

  #inSavepoint(job: Job): JobResult {
    this.#exec("SAVEPOINT job");
    const result = this.#attempt(job);
    if ("failed" in result) {
      // Running out of space or memory makes SQLite undo the whole transaction: https://www.sqlite.org/lang_transaction.html
      if (!this.#db.isTransaction) throw new TransactionLost(result.failed);
      this.#exec("ROLLBACK TO job");
    }
    this.#exec("RELEASE job");
    return result;
  }

  #attempt(job: Job): JobResult {
    const command = this.#commands[job.command] as Call | undefined;
    if (command === undefined) return { failed: { kind: "bug", message: `no store command "${job.command}"` } };
    try {
      return { value: command(this.#tx, job.args) };
    } catch (error) {
      return { failed: describeFailure(error) };
    }
  }

  #exec(sql: string): void {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    statement.run();
  }
}

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** A row as SQLite returns it; callers parse it into a typed record at once. */
export type Row = Record<string, null | number | bigint | string | Uint8Array>;

/** The database as a command sees it: prepared statements, inside the writer's transaction. */
export class Tx {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** First row or undefined. */
  get<R = Row>(sql: string, ...params: SQLInputValue[]): R | undefined {
    return this.#prepare(sql).get(...params) as R | undefined;
  }

  all<R = Row>(sql: string, ...params: SQLInputValue[]): R[] {
    return this.#prepare(sql).all(...params) as R[];
  }

  /** Row by row, for results that may be too large to meet in memory. One at a time of the same statement. */
  iterate<R = Row>(sql: string, ...params: SQLInputValue[]): IterableIterator<R> {
    return this.#prepare(sql).iterate(...params) as IterableIterator<R>;
  }

  /** Number of changed rows. */
  run(sql: string, ...params: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...params).changes);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * One decision on the database: it reads, decides and writes inside one savepoint of the writer's transaction. Arguments
 * and result cross threads, so both must survive `structuredClone`. Commands are pure apart from the database: time and
 * ids come in as arguments.
 */
export type Command<A = never, R = unknown> = (tx: Tx, args: A) => R;

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateDir, ensurePrivateFile } from "../../base/private-file.ts";
import { MIGRATIONS } from "../migrations/index.ts";
import { StoreError } from "../store-error.ts";
import { migrate } from "./migrate.ts";

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

/** Bytes. Source: https://www.sqlite.org/fileformat.html#pages */
const SMALLEST_PAGE = 512;

/** Where the header says how long a page is. Source: https://www.sqlite.org/fileformat.html#page_size */
const PAGE_SIZE_AT = 16;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * What SQLite would not mind: a file too short for a page is an empty database to it, which it begins anew, and what is missing of
 * the last page it takes for zeros. A checkpoint that was cut off may leave part of a page, but then the whole is in the log.
 */
function isCut(path: string, mustExist: boolean): boolean {
  const size = sizeOf(path);
  if (size < SMALLEST_PAGE) return size > 0 || mustExist;
  return size % pageSizeOf(path) !== 0 && sizeOf(`${path}-wal`) === 0;
}

/** 1, by which nothing is cut, for a file that is no database: SQLite says that itself. */
function pageSizeOf(path: string): number {
  const header = Buffer.alloc(PAGE_SIZE_AT + 2);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  const pageSize = header.readUInt16BE(PAGE_SIZE_AT);
  // 65,536 does not fit and is written as 1.
  if (pageSize === 1) return 65_536;
  return pageSize < SMALLEST_PAGE ? 1 : pageSize;
}

const LOST =
  "host.db is missing or was cut off, and this state directory was used before: run: openclaw backup restore FILE; " +
  "to begin anew without what was stored, delete host.db and server.key";

export interface OpenFileOptions {
  readonly path: string;
  /** See `StoreOptions`. */
  readonly mustExist?: boolean;
}

/**
 * Opens `host.db` with the newest schema.
 *
 * @throws StoreError or an error of SQLite, which `describeFailure` explains. A damaged file is never replaced by a new one.
 */
export function openFile({ path, mustExist = false }: OpenFileOptions): DatabaseSync {
  ensurePrivateDir(dirname(path));
  if (isCut(path, mustExist)) throw new StoreError({ kind: "corrupt", message: LOST });
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

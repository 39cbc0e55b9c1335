import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateDir, ensurePrivateFile, requireUnshared } from "../base/private-file.ts";
import { describeFailure, StoreError } from "./store-error.ts";

/** Held while a gateway uses its state directory. */
export interface StateLock {
  /** Calling it twice is harmless. */
  release(): void;
}

/** Another gateway uses the state directory. */
export class StateLocked extends Error {
  override readonly name = "StateLocked";
  readonly code = "STATE_LOCKED";
  /** The holder, when it could be read. */
  readonly pid: number | undefined;
  constructor(stateDir: string, pid: number | undefined) {
    const holder = pid === undefined ? "another process" : `process ${pid}`;
    const stop = pid === undefined ? "stop it" : `stop it (kill ${pid})`;
    super(`a gateway already runs on ${stateDir} (${holder}): ${stop}, or choose another directory with --state-dir`);
    this.pid = pid;
  }
}

const LOCK_FILE = "gateway.lock";
const PID_FILE = "gateway.pid";

/** SQLITE_BUSY and SQLITE_LOCKED. Source: https://www.sqlite.org/rescode.html */
const BUSY_CODES: readonly number[] = [5, 6];

/**
 * Takes the lock on a state directory, making the directory when it is missing. The operating system holds the lock (SQLite's
 * file lock on an otherwise empty database), so it ends with the process however that ends.
 *
 * @throws StateLocked at once when another gateway holds it; StoreError when its file cannot be used; Error when other users may write to the directory.
 */
export function acquireStateLock(stateDir: string): StateLock {
  ensurePrivateDir(stateDir);
  requireUnshared(stateDir);
  const path = join(stateDir, LOCK_FILE);
  const pidPath = join(stateDir, PID_FILE);
  ensurePrivateFile(path);
  const db = lockFile(path, () => new StateLocked(stateDir, readPid(pidPath)));
  writePid(pidPath);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      rmSync(pidPath, { force: true });
      db.close();
    },
  };
}

/** The open transaction is the lock. */
function lockFile(path: string, locked: () => StateLocked): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Without a journal the lock needs no space, so that a full disk is told of by those who do.
    db.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db.close();
    throw isBusy(error) ? locked() : new StoreError(describeFailure(error));
  }
}

/** The lock holds without it; a disk that takes no line is reported by the database. */
function writePid(path: string): void {
  try {
    ensurePrivateFile(path);
    writeFileSync(path, `${process.pid}\n`);
  } catch {
    rmSync(path, { force: true });
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return false;
  return BUSY_CODES.includes(error.errcode % 256);
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateFile } from "../../base/private-file.ts";
import { BACKUP_FORMAT, type BackupPlaces, namesOf } from "./backup.ts";
import { acquireStateLock } from "../lock.ts";

export interface Restored {
  /** Folder that holds what was there before. */
  readonly aside: string;
  /** Messages that were still to be run or sent at the time of the backup; they wait for the owner. */
  readonly parked: number;
}

const FILE_MODE = 0o600;
const DIR_MODE = 0o700;
const SIDES = ["-wal", "-shm"] as const;

/** What may have happened since the backup was made is not done a second time. */
const PARKED = "restored from a backup: it may have been done since";

/**
 * Puts a backup in the place of a state directory's content, and that content into a folder beside it.
 *
 * @throws StateLocked while a gateway runs on the directory; Error when the file is no sound backup. Nothing is changed then.
 */
export function restoreBackup(places: BackupPlaces, file: string, at: number): Restored {
  const lock = acquireStateLock(places.stateDir);
  const stamp = new Date(at).toISOString().replaceAll(/[:.]/gu, "-");
  const staging = join(places.stateDir, `restoring-${stamp}`);
  try {
    check(file);
    mkdirSync(staging, { mode: DIR_MODE });
    const parked = unpack(file, staging, at);
    const aside = join(places.stateDir, `replaced-${stamp}`);
    swap(places, staging, aside);
    return { aside, parked };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    lock.release();
  }
}

function check(file: string): void {
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  const refuse = (why: string) =>
    new Error(
      `${file} is no backup that can be restored (${why}); give a file that openclaw backup create has written`,
    );
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const sound = db.prepare("PRAGMA integrity_check").get();
    if (sound?.["integrity_check"] !== "ok") throw refuse("it is damaged");
    const format = db.prepare("SELECT format FROM backup").get()?.["format"];
    if (format !== BACKUP_FORMAT) throw refuse(`its format is ${String(format)}, this gateway reads ${BACKUP_FORMAT}`);
  } catch (error) {
    throw error instanceof Error && "errcode" in error ? refuse(error.message) : error;
  } finally {
    db?.close();
  }
}

/** Makes the files of the backup in a folder of their own. Returns how many messages were parked. */
function unpack(file: string, staging: string, at: number): number {
  const path = join(staging, "host.db");
  ensurePrivateFile(path);
  copyFileSync(file, path);
  const db = new DatabaseSync(path);
  try {
    const names = db.prepare("SELECT DISTINCT name FROM backup_files").all();
    for (const { name } of names) writeOne(db, staging, String(name));
    const parked = park(db, at);
    db.exec("DROP TABLE backup_files; DROP TABLE backup; VACUUM");
    return parked;
  } finally {
    db.close();
  }
}

/** Names that a backup may hold; nothing that leads out of the folder. */
const NAME =
  /^(?:openclaw\.json|gateway\.token|server\.key|media\/[0-9a-f]{2}\/[0-9a-f]{64}|(?:identity|extensions-data)(?:\/[^/\\\0]+)+)$/u;

function writeOne(db: DatabaseSync, staging: string, name: string): void {
  if (!NAME.test(name) || name.split("/").includes(".."))
    throw new Error(`the backup holds a file that is not its own: ${name}`);
  const path = join(staging, name);
  mkdirSync(dirname(path), { recursive: true, mode: DIR_MODE });
  const rows = db.prepare("SELECT data FROM backup_files WHERE name = ? ORDER BY piece").iterate(name);
  for (const row of rows) {
    if (row["data"] instanceof Uint8Array)
      writeFileSync(path, row["data"], { flag: "a", mode: FILE_MODE, flush: true });
  }
}

/** Since the backup a draft may have become an answer, which must not be deleted as a draft without a run. */
function leaveDrafts(db: DatabaseSync, at: number): void {
  const drafts = "id IN (SELECT outbox_id FROM drafts WHERE stage = 'open')";
  db.prepare(`UPDATE outbox SET state = 'sent', changed_at = ? WHERE ${drafts}`).run(at);
  db.exec("DELETE FROM drafts WHERE stage = 'open'");
}

function park(db: DatabaseSync, at: number): number {
  leaveDrafts(db, at);
  const outbox = db
    .prepare(
      "UPDATE outbox SET state = 'unknown', reason = ?, next_at = NULL, head = 0, changed_at = ? WHERE next_at IS NOT NULL",
    )
    .run(PARKED, at);
  const inbox = db
    .prepare(
      "UPDATE inbox SET state = 'parked', reason = ?, head = 0, changed_at = ? WHERE state IN ('recorded', 'running')",
    )
    .run(PARKED, at);
  return Number(outbox.changes) + Number(inbox.changes);
}

/** By renames alone, so that what was there is whole in one place or the other. */
function swap(places: BackupPlaces, staging: string, aside: string): void {
  mkdirSync(aside, { mode: DIR_MODE });
  const all: Readonly<Record<string, string>> = { ...namesOf(places), "host.db": places.database };
  for (const [name, path] of Object.entries(all)) {
    // What the backup has no copy of stays, except for what belongs to the replaced database.
    const staged = existsSync(join(staging, name));
    if (!staged && name !== "media") continue;
    if (existsSync(path)) moveAside(path, aside);
  }
  for (const side of SIDES) if (existsSync(places.database + side)) moveAside(places.database + side, aside);
  for (const [name, path] of Object.entries(all)) {
    if (existsSync(join(staging, name))) place(join(staging, name), path);
  }
}

/** A configuration file of another file system cannot be renamed across. */
function moveAside(path: string, aside: string): void {
  if (dirname(path) === dirname(aside)) renameSync(path, join(aside, basename(path)));
  else renameSync(path, `${path}.${basename(aside)}`);
}

function place(staged: string, path: string): void {
  if (dirname(path) === dirname(dirname(staged))) return renameSync(staged, path);
  copyFileSync(staged, path);
  ensurePrivateFile(path);
}

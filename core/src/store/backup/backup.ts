import { closeSync, existsSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateDir, ensurePrivateFile } from "../../base/private-file.ts";

/** Where the parts of a state directory are; absolute. */
export interface BackupPlaces {
  readonly stateDir: string;
  readonly database: string;
  readonly configFile: string;
  readonly tokenFile: string;
  readonly serverKeyFile: string;
  readonly identityFile: string;
  readonly tlsKeyFile: string;
  readonly mediaDir: string;
  readonly extensionsDataDir: string;
}

export interface Backup {
  readonly path: string;
  /** Files besides the database. */
  readonly files: number;
}

/** Version of the layout below. */
export const BACKUP_FORMAT = 1;
const CHUNK_BYTES = 1024 * 1024;
const BUSY_TIMEOUT_MS = 5_000;

/**
 * A backup is one SQLite file: the database as it was at one moment, and in `backup_files` every other file in pieces, under the
 * names of `namesOf`.
 */
const SCHEMA = `
  CREATE TABLE backup (format INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;
  CREATE TABLE backup_files (name TEXT NOT NULL, piece INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (name, piece)) STRICT;
`;

/** Files and folders of a backup, by the name they have in it. Media is taken by the rows of the database. */
export function namesOf(places: BackupPlaces): Readonly<Record<string, string>> {
  return {
    "openclaw.json": places.configFile,
    "gateway.token": places.tokenFile,
    "server.key": places.serverKeyFile,
    identity: dirname(places.identityFile),
    // Clients that pinned the certificate find it again.
    tls: dirname(places.tlsKeyFile),
    "extensions-data": places.extensionsDataDir,
    media: places.mediaDir,
  };
}

/**
 * Writes a backup into a folder; the gateway may run meanwhile. It holds every secret of the gateway and is readable by this
 * user alone.
 *
 * @throws Error when there is no database yet or the folder cannot be written; nothing is left behind.
 */
export function createBackup(places: BackupPlaces, to: string, at: number): Backup {
  if (!existsSync(places.database)) {
    throw new Error(`there is nothing to back up: ${places.database} does not exist; check --state-dir`);
  }
  ensurePrivateDir(to);
  const path = join(to, `openclaw-backup-${new Date(at).toISOString().replaceAll(/[:.]/gu, "-")}.db`);
  if (existsSync(path)) throw new Error(`${path} exists already: try again`);
  const draft = `${path}.part`;
  try {
    // SQLite fills an empty file and leaves its mode.
    ensurePrivateFile(draft);
    copyDatabase(places.database, draft);
    const files = addFiles(draft, places, at);
    renameSync(draft, path);
    return { path, files };
  } catch (error) {
    for (const suffix of ["", "-journal"]) rmSync(draft + suffix, { force: true });
    throw error;
  }
}

/** One read transaction: consistent, whatever is written meanwhile (https://www.sqlite.org/lang_vacuum.html). */
function copyDatabase(from: string, to: string): void {
  const db = new DatabaseSync(from, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare("VACUUM INTO ?").run(to);
  } finally {
    db.close();
  }
}

function addFiles(draft: string, places: BackupPlaces, at: number): number {
  const db = new DatabaseSync(draft);
  try {
    db.exec(`PRAGMA journal_mode = DELETE; BEGIN; ${SCHEMA}`);
    db.prepare("INSERT INTO backup VALUES (?, ?)").run(BACKUP_FORMAT, at);
    const insert = db.prepare("INSERT INTO backup_files VALUES (?, ?, ?)");
    const files = [...filesOf(places), ...blobsOf(db, places.mediaDir)];
    for (const { name, path } of files) {
      let piece = 0;
      for (const data of pieces(path)) insert.run(name, piece++, data);
    }
    db.exec("COMMIT");
    return files.length;
  } finally {
    db.close();
  }
}

interface NamedFile {
  readonly name: string;
  readonly path: string;
}

function filesOf(places: BackupPlaces): NamedFile[] {
  const { media: _byRows, ...others } = namesOf(places);
  return Object.entries(others).flatMap(([name, path]) => walk(name, path));
}

/** Regular files only: a link would save what lies elsewhere. */
function walk(name: string, path: string): NamedFile[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [{ name, path }];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ name: name + file.slice(path.length).replaceAll("\\", "/"), path: file }));
}

/** A blob that was collected since the database was copied is not missed: nothing named it. */
function blobsOf(db: DatabaseSync, mediaDir: string): NamedFile[] {
  return db
    .prepare("SELECT sha256 FROM media_blobs")
    .all()
    .map((row) => `${String(row["sha256"]).slice(0, 2)}/${String(row["sha256"])}`)
    .map((name) => ({ name: `media/${name}`, path: join(mediaDir, name) }))
    .filter(({ path }) => existsSync(path));
}

/** At least one piece, so that an empty file is there too. */
function* pieces(path: string): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (let first = true; ; first = false) {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      const bytes = readSync(file, buffer);
      if (bytes === 0 && !first) return;
      yield buffer.subarray(0, bytes);
      if (bytes === 0) return;
    }
  } finally {
    closeSync(file);
  }
}

import type { Migration } from "./migration.ts";

/**
 * Blobs are shared by content; a handle lets one owner (an extension, or the core) use one of them. The same content under
 * the same description is one handle per owner, so that repeats do not pile up.
 */
export const m0051: Migration = {
  id: 51,
  name: "media",
  sql: `
    CREATE TABLE media_blobs (
      sha256 TEXT PRIMARY KEY,
      bytes INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE media_handles (
      ref TEXT PRIMARY KEY,
      owner TEXT NOT NULL,
      sha256 TEXT NOT NULL REFERENCES media_blobs (sha256),
      kind TEXT NOT NULL,
      mime TEXT NOT NULL,
      name TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      UNIQUE (owner, sha256, kind, mime, name)
    ) STRICT, WITHOUT ROWID;
  `,
};

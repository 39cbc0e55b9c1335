import type { Migration } from "./migration.ts";

/**
 * What upkeep needs. `keep_until` (epoch ms) is when the platform can no longer deliver an event again: until then its row is
 * what makes the repeat a duplicate. `media_uses` says which rows of inbox, outbox and transcripts show a blob, `used_at` when one
 * last began or ended to.
 */
export const m0063: Migration = {
  id: 63,
  name: "upkeep",
  sql: `
    CREATE TABLE disk_probe (filler BLOB NOT NULL) STRICT;

    ALTER TABLE inbox ADD COLUMN keep_until INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX inbox_parked ON inbox (id) WHERE state = 'parked';
    CREATE INDEX inbox_refused ON inbox (id) WHERE state = 'refused';

    CREATE TABLE media_uses (
      sha256 TEXT NOT NULL,
      holder TEXT NOT NULL CHECK (holder IN ('inbox', 'outbox', 'transcript')),
      row INTEGER NOT NULL,
      PRIMARY KEY (sha256, holder, row)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX media_uses_of_row ON media_uses (holder, row);
    ALTER TABLE media_blobs ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX media_blobs_by_use ON media_blobs (used_at);
  `,
};

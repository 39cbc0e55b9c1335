import type { Migration } from "./migration.ts";

/**
 * Every event a platform reported. A row is `recorded -> running -> done | refused(reason) | parked(reason)`.
 *
 * `head` marks the oldest open row of a lane that has nothing running, so that the next row to run is found by one index
 * step however long the backlog is. `due_at` (epoch ms) holds an album back until its pieces are there, and a retry until
 * its time. `attempts` counts those that did not end: the process died over the run, or the turn could not be stored;
 * `early_deaths` those of the process before there was a run, while files were fetched. The cursor belongs to (channel, lease):
 * what the platform redelivers follows the identity, not its label.
 */
export const m0040: Migration = {
  id: 40,
  name: "inbox",
  sql: `
    CREATE TABLE inbox (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      channel TEXT NOT NULL,
      lease TEXT NOT NULL,
      account TEXT NOT NULL,
      event_id TEXT NOT NULL,
      lane TEXT NOT NULL,
      album TEXT,
      event TEXT NOT NULL,
      at INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('recorded', 'running', 'done', 'refused', 'parked')),
      reason TEXT,
      head INTEGER NOT NULL DEFAULT 0,
      due_at INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      early_deaths INTEGER NOT NULL DEFAULT 0,
      changed_at INTEGER NOT NULL,
      UNIQUE (channel, lease, event_id)
    ) STRICT;
    CREATE INDEX inbox_open ON inbox (lane, state, id) WHERE state IN ('recorded', 'running');
    CREATE INDEX inbox_heads ON inbox (channel, account, due_at, id) WHERE head = 1;
    CREATE INDEX inbox_suspects ON inbox (state) WHERE attempts + early_deaths >= 2 AND state IN ('recorded', 'running');
    CREATE INDEX inbox_states ON inbox (channel, account, state);

    CREATE TABLE inbox_cursors (
      channel TEXT NOT NULL,
      lease TEXT NOT NULL,
      cursor TEXT NOT NULL,
      changed_at INTEGER NOT NULL,
      PRIMARY KEY (channel, lease)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE channel_identities (
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      lease TEXT NOT NULL,
      changed_at INTEGER NOT NULL,
      PRIMARY KEY (channel, account)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE access_answers (
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      sender TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (channel, account, sender)
    ) STRICT, WITHOUT ROWID;
  `,
};

import type { Migration } from "./migration.ts";

/**
 * Links that pair one device each: only the hash of their code is kept, and a code that was used stays bound to the device that
 * used it. `device_decisions` is what was decided of late, so that a repeated decision answers as the first time;
 * `device_generations` is the generation that grants begin with, above that of every removed device: an old token never works
 * again after its device was removed and paired anew.
 */
export const m0070: Migration = {
  id: 70,
  name: "device-links",
  sql: `
    CREATE TABLE device_links (
      code_hash TEXT PRIMARY KEY,
      role TEXT NOT NULL CHECK (role IN ('operator', 'node')),
      scopes TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      used_by TEXT
    ) STRICT;

    CREATE TABLE device_decisions (
      subject TEXT PRIMARY KEY,
      decision TEXT NOT NULL CHECK (decision IN ('approved', 'rejected', 'removed')),
      device_id TEXT NOT NULL,
      decided_by TEXT NOT NULL,
      decided_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX device_decisions_by_age ON device_decisions (decided_at);

    CREATE TABLE device_generations (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      first INTEGER NOT NULL
    ) STRICT;
    INSERT INTO device_generations (id, first) VALUES (1, 1);
  `,
};

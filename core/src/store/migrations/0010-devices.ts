import type { Migration } from "./migration.ts";

/**
 * Paired devices, what each may do per role, and what waits for approval. Tokens are derived from `generation` and never
 * stored. `grace` lists older generations that still work for a while. `name` is the owner's, `metadata` the client's own words.
 * A request is bound to its content by `digest`: what changes between looking and approving is another request. `source` is the
 * network that asked, or `host`.
 */
export const m0010: Migration = {
  id: 10,
  name: "devices",
  sql: `
    CREATE TABLE devices (
      device_id TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      signature TEXT NOT NULL CHECK (signature IN ('v2', 'v3')),
      metadata TEXT NOT NULL,
      name TEXT,
      created_at INTEGER NOT NULL,
      approved_at INTEGER NOT NULL,
      last_used_at INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE device_grants (
      device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
      role TEXT NOT NULL CHECK (role IN ('operator', 'node')),
      scopes TEXT NOT NULL,
      generation INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      issued_at INTEGER NOT NULL,
      rotated_at INTEGER,
      revoked_at INTEGER,
      last_used_at INTEGER,
      grace TEXT NOT NULL DEFAULT '[]',
      PRIMARY KEY (device_id, role)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE device_requests (
      request_id TEXT PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      device_id TEXT NOT NULL,
      claim TEXT NOT NULL,
      reason TEXT NOT NULL,
      source TEXT NOT NULL,
      is_repair INTEGER NOT NULL,
      requested_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX device_requests_by_age ON device_requests (requested_at);
  `,
};

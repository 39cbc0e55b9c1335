import type { Migration } from "./migration.ts";

/**
 * The node pairings of version 3 clients (wire protocol 5.5): records that somebody keeps of nodes, which let nobody in by
 * themselves. `generation` is that of the node's token, which is derived and never stored.
 */
export const m0071: Migration = {
  id: 71,
  name: "node-pairings",
  sql: `
    CREATE TABLE node_requests (
      request_id TEXT PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      node_id TEXT NOT NULL,
      facts TEXT NOT NULL,
      asked_by TEXT NOT NULL,
      is_repair INTEGER NOT NULL,
      requested_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE node_pairings (
      node_id TEXT PRIMARY KEY,
      facts TEXT NOT NULL,
      generation INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      approved_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};

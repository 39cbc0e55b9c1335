import type { Migration } from "./migration.ts";

/**
 * The audit trail: rows are only ever added, each bound to the one before it by `hash`, and removed only from the beginning.
 * `audit_seal` says where the chain begins and how far it reached when it was last sealed with the server key.
 */
export const m0080: Migration = {
  id: 80,
  name: "audit",
  sql: `
    CREATE TABLE audit (
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      action TEXT NOT NULL,
      actor TEXT NOT NULL,
      subject TEXT,
      address TEXT,
      detail TEXT NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;

    CREATE TABLE audit_seal (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      base_seq INTEGER NOT NULL,
      base_hash TEXT NOT NULL,
      seq INTEGER NOT NULL,
      hash TEXT NOT NULL,
      mac TEXT NOT NULL
    ) STRICT;
  `,
};

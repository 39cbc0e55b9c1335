import type { Migration } from "./migration.ts";

/**
 * Keys of side-effecting requests (wire protocol section 0, "Idempotency"). A row without `result` is bound to its body but
 * has no outcome yet.
 */
export const m0011: Migration = {
  id: 11,
  name: "idempotency",
  sql: `
    CREATE TABLE idempotency (
      identity TEXT NOT NULL,
      method TEXT NOT NULL,
      key TEXT NOT NULL,
      digest TEXT NOT NULL,
      result TEXT,
      at INTEGER NOT NULL,
      PRIMARY KEY (identity, method, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_by_age ON idempotency (at);
  `,
};

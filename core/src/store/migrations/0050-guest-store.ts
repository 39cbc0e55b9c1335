import type { Migration } from "./migration.ts";

/**
 * What extensions keep. `scope` is the account (`<channel>/<account>`) or agent in whose name it was written; `value` is
 * opaque to the host.
 */
export const m0050: Migration = {
  id: 50,
  name: "guest-store",
  sql: `
    CREATE TABLE guest_store (
      extension TEXT NOT NULL,
      scope TEXT NOT NULL,
      key TEXT NOT NULL,
      value BLOB NOT NULL,
      PRIMARY KEY (extension, scope, key)
    ) STRICT, WITHOUT ROWID;
  `,
};

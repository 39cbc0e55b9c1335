import type { Migration } from "./migration.ts";

/**
 * Who wrote to an account and waits for its owner, and whom the owner let in. Never part of the config file: it changes
 * while the gateway runs. `told` counts the answers that named the code. `code` of a paired sender is the one that was
 * approved, so that the approval may be repeated.
 */
export const m0060: Migration = {
  id: 60,
  name: "pairing",
  sql: `
    CREATE TABLE pairing_requests (
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      sender TEXT NOT NULL,
      code TEXT NOT NULL,
      name TEXT,
      handle TEXT,
      peer TEXT NOT NULL,
      told INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      last_seen_at INTEGER NOT NULL,
      PRIMARY KEY (channel, account, sender),
      UNIQUE (channel, code)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE paired_senders (
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      sender TEXT NOT NULL,
      code TEXT NOT NULL,
      name TEXT,
      handle TEXT,
      approved_at INTEGER NOT NULL,
      approved_by TEXT NOT NULL,
      PRIMARY KEY (channel, account, sender)
    ) STRICT, WITHOUT ROWID;
  `,
};

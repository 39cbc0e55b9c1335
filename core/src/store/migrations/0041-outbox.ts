import type { Migration } from "./migration.ts";

/**
 * Everything that leaves. A delivery is one message; each of its parts is one platform call and one `outbox` row:
 * `queued -> sending -> sent(receipt) | retry(next_at) | unknown | dead(reason)`. An `unknown` row with `next_at` still waits
 * to be reconciled and holds its lane; without it, it is parked and the lane goes on.
 *
 * `head` is 1 on the oldest open row of a lane while nothing of that lane is in flight, 2 on the row that is, 0 on all
 * others. `granted` is how many attempts were over when the owner asked for the part again: its budget begins anew.
 * `delivery_origins` names the inbox rows that a delivery answers, also when those are forgotten. `sent_messages` answers
 * "is this platform message ours?".
 */
export const m0041: Migration = {
  id: 41,
  name: "outbox",
  sql: `
    CREATE TABLE deliveries (
      id TEXT PRIMARY KEY,
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      lane TEXT NOT NULL,
      run_id TEXT,
      outbound TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_created ON deliveries (created_at, id);

    CREATE TABLE delivery_origins (
      inbox_id INTEGER NOT NULL,
      delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
      PRIMARY KEY (inbox_id, delivery_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_origins_of ON delivery_origins (delivery_id);

    CREATE TABLE outbox (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      delivery_id TEXT NOT NULL REFERENCES deliveries (id),
      part INTEGER NOT NULL,
      parts INTEGER NOT NULL,
      payload TEXT NOT NULL,
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      lane TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'retry', 'unknown', 'dead')),
      reason TEXT,
      receipt TEXT,
      head INTEGER NOT NULL DEFAULT 0,
      next_at INTEGER,
      attempts INTEGER NOT NULL DEFAULT 0,
      granted INTEGER NOT NULL DEFAULT 0,
      checks INTEGER NOT NULL DEFAULT 0,
      changed_at INTEGER NOT NULL,
      UNIQUE (delivery_id, part)
    ) STRICT;
    CREATE INDEX outbox_open ON outbox (lane, id) WHERE next_at IS NOT NULL;
    CREATE INDEX outbox_heads ON outbox (channel, account, next_at, id) WHERE head = 1;
    CREATE INDEX outbox_states ON outbox (channel, account, state);
    CREATE INDEX outbox_failed ON outbox (state, delivery_id) WHERE state IN ('unknown', 'dead');

    CREATE TABLE sent_messages (
      channel TEXT NOT NULL,
      account TEXT NOT NULL,
      peer TEXT NOT NULL,
      message_id TEXT NOT NULL,
      delivery_id TEXT NOT NULL,
      PRIMARY KEY (channel, account, peer, message_id)
    ) STRICT, WITHOUT ROWID;
  `,
};

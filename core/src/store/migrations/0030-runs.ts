import type { Migration } from "./migration.ts";

/**
 * Every run of an agent, whatever its door. A row is `accepted` (behind another run of its session) `-> running -> done |
 * aborted | failed`. `pending` is the user's message while it is not in the transcript yet; `inbox` the rows a channel run
 * answers, `inbox_first` the lowest of them, so that rows claimed again after a crash find the run they had.
 * A closed run keeps no `request`: the transcript has it.
 */
export const m0030: Migration = {
  id: 30,
  name: "runs",
  sql: `
    CREATE TABLE runs (
      run_id TEXT PRIMARY KEY,
      door TEXT NOT NULL CHECK (door IN ('agent', 'chat.send', 'channel')),
      identity TEXT NOT NULL,
      digest TEXT NOT NULL,
      session_key TEXT NOT NULL,
      session_id TEXT NOT NULL,
      agent_id TEXT NOT NULL,
      request TEXT NOT NULL,
      pending TEXT,
      inbox TEXT,
      inbox_first INTEGER,
      state TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'done', 'aborted', 'failed')),
      accepted_at INTEGER NOT NULL,
      ended_at INTEGER,
      outcome TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX runs_of_inbox ON runs (inbox_first) WHERE inbox_first IS NOT NULL;
    CREATE INDEX runs_open ON runs (session_key) WHERE state IN ('accepted', 'running');
    CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
  `,
};

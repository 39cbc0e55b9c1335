/**
 * `entry` is the session's record as JSON; the columns beside it repeat what is searched by. A transcript row outlives its
 * session: reset and delete leave the rows under the old session id and note it in `archived_sessions`. `seq` is made of the number that
 * `transcript_ids` gives to a session id and the message's place, see `tables/transcript-seq.ts`.
 */
export const m0020 = {
  id: 20,
  name: "sessions",
  sql: `
    CREATE TABLE sessions (
      key TEXT PRIMARY KEY,
      session_id TEXT NOT NULL UNIQUE,
      entry TEXT NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE transcript_ids (
      no INTEGER PRIMARY KEY AUTOINCREMENT,
      session_id TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE transcripts (
      seq INTEGER PRIMARY KEY,
      message_id TEXT NOT NULL,
      at INTEGER NOT NULL,
      message TEXT NOT NULL
    ) STRICT;
    CREATE TABLE archived_sessions (
      session_id TEXT PRIMARY KEY,
      key TEXT NOT NULL,
      reason TEXT NOT NULL CHECK (reason IN ('reset', 'deleted')),
      at INTEGER NOT NULL,
      name TEXT,
      entry TEXT NOT NULL
    ) STRICT;
    CREATE TABLE session_revision (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      value INTEGER NOT NULL
    ) STRICT;
    INSERT INTO session_revision VALUES (1, 0);
  `,
};

/** Changes of state that the design allows, as the database sees them. */
export const EDGES: ReadonlySet<string> = new Set([
  "inbox recorded>running",
  "inbox running>done",
  "inbox running>recorded",
  "outbox queued>sending",
  "outbox queued>dead",
  "outbox retry>sending",
  "outbox retry>dead",
  "outbox sending>sent",
  "outbox sending>retry",
  "outbox sending>dead",
  "outbox sending>unknown",
  "outbox unknown>queued",
  "outbox unknown>dead",
  // The platform does not have it, or its owner would rather read it twice.
  "outbox unknown>retry",
  "outbox dead>queued",
  // A late receipt tells the truth about whatever was decided meanwhile.
  "outbox unknown>sent",
  "outbox queued>sent",
  "outbox retry>sent",
  "outbox dead>sent",
]);

/** Every change is written down inside the transaction that makes it, so that none is missed. */
export const WATCH: string = `CREATE TABLE seen_edges (edge TEXT);
  CREATE TRIGGER see_inbox AFTER UPDATE OF state ON inbox WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO seen_edges VALUES ('inbox ' || OLD.state || '>' || NEW.state); END;
  CREATE TRIGGER see_outbox AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO seen_edges VALUES ('outbox ' || OLD.state || '>' || NEW.state); END;`;

import type { DatabaseSync } from "node:sqlite";
import type { Migration } from "../migrations/migration.ts";
import { StoreError } from "../store-error.ts";

/**
 * Brings the database to the newest schema: each missing migration in its own transaction, recorded in `migrations`.
 *
 * @throws StoreError of kind `version` when the database holds a migration that this gateway does not know.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  db.exec("CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT");
  const applied = new Set(
    db
      .prepare("SELECT id FROM migrations")
      .all()
      .map((row) => Number(row["id"])),
  );
  const known = new Set(migrations.map((migration) => migration.id));
  const unknown = [...applied].filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new StoreError({
      kind: "version",
      message:
        `host.db was written by a newer gateway (it has schema step ${unknown.join(", ")}, this one ends at ` +
        `${Math.max(...known)}): start the newer version, or restore a backup made before the upgrade`,
    });
  }
  for (const migration of migrations.toSorted((a, b) => a.id - b.id)) {
    if (!applied.has(migration.id)) apply(db, migration);
  }
}

function apply(db: DatabaseSync, migration: Migration): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(migration.sql);
    db.prepare("INSERT INTO migrations (id, name) VALUES (?, ?)").run(migration.id, migration.name);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "../migrations/index.ts";

const first = { id: 1, name: "first", sql: "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)" };
const second = { id: 2, name: "second", sql: "ALTER TABLE a ADD COLUMN y INTEGER" };
const broken = { id: 3, name: "broken", sql: "CREATE TABLE c (x); INSERT INTO nowhere VALUES (1)" };

const tables = (db: DatabaseSync) =>
  db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map((row) => row["name"]);

describe("migrate", () => {
  it("applies what is missing, in order of id, once", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, [second, first]);
    migrate(db, [first, second]);
    expect(db.prepare("SELECT id, name FROM migrations ORDER BY id").all()).toMatchObject([
      { id: 1, name: "first" },
      { id: 2, name: "second" },
    ]);
    expect(db.prepare("SELECT x, y FROM a").all()).toHaveLength(1);
  });

  it("undoes a step that fails and keeps the steps before it", () => {
    const db = new DatabaseSync(":memory:");
    expect(() => migrate(db, [first, broken])).toThrow("no such table: nowhere");
    expect(tables(db)).toEqual(["a", "migrations"]);
    migrate(db, [first, second]);
  });

  it("refuses a database that a newer gateway wrote", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, [first, second]);
    expect(() => migrate(db, [first])).toThrow(
      "host.db was written by a newer gateway (it has schema step 2, this one ends at 1): start the newer version, or " +
        "restore a backup made before the upgrade",
    );
  });

  it("has steps with unique ids", () => {
    expect(new Set(MIGRATIONS.map((migration) => migration.id)).size).toBe(MIGRATIONS.length);
  });
});

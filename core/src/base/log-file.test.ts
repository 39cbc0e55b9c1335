import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";
import type { LogRecord } from "./log.ts";

let dir = "";
let path = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-log-"));
  path = join(dir, "gateway.log");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const record = (message: string): LogRecord => ({ at: 1, level: "info", part: "test", message, fields: {} });

describe("a log file", () => {
  it("keeps as many files as it is told, and removes what an earlier start kept beyond them", () => {
    for (const index of [1, 2, 3, 4, 5]) writeFileSync(`${path}.${index}`, "old");
    const log = openLogFile({ path });
    log.limit({ maxBytes: 100, files: 2 });
    expect([1, 2, 3, 4, 5].filter((index) => existsSync(`${path}.${index}`))).toEqual([1]);
    for (let index = 0; index < 10; index += 1) log.sink(record(`line ${index} ${"x".repeat(80)}`));
    log.close();
    expect(readFileSync(path, "utf8")).toContain("line 9");
    expect(readFileSync(`${path}.1`, "utf8")).toContain("line 8");
    expect(existsSync(`${path}.2`)).toBe(false);
  });

  it("goes on after a rotation that the disk refused", () => {
    const log = openLogFile({ path, maxBytes: 10, files: 2 });
    log.sink(record("first"));
    // A folder in the way of the old file.
    mkdirSync(join(`${path}.1`, "in the way"), { recursive: true });
    expect(() => log.sink(record("refused"))).toThrow();
    rmSync(`${path}.1`, { recursive: true });
    log.sink(record("second"));
    log.close();
    log.sink(record("never"));
    expect(readFileSync(path, "utf8")).toContain("second");
  });
});

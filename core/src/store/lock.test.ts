import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireStateLock, StateLocked } from "./lock.ts";
import { makeTestDir, type TestDir } from "./test-store.ts";

let dir: TestDir;
let children: ChildProcess[] = [];

beforeEach(() => {
  dir = makeTestDir();
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  dir.remove();
});

const HOLD = `
  const { acquireStateLock } = await import(process.argv[1]);
  // A lock that nobody holds on to may be collected, and with it the file.
  globalThis.held = acquireStateLock(process.argv[2]);
  process.stdout.write("held");
  setInterval(() => {}, 1000);
`;

/** A process that holds the lock. */
async function startHolder(stateDir: string): Promise<ChildProcess> {
  const lock = new URL("./lock.ts", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", HOLD, lock, stateDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

const refusal = (stateDir: string): StateLocked => {
  try {
    acquireStateLock(stateDir).release();
  } catch (error) {
    if (error instanceof StateLocked) return error;
    throw error;
  }
  throw new Error("the lock was free");
};

describe("the lock on a state directory", () => {
  it("is refused at once, naming the process that holds it and what to do", async () => {
    const holder = await startHolder(dir.path);
    const startedAt = performance.now();
    const error = refusal(dir.path);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(error.pid).toBe(holder.pid);
    expect(error.message).toContain(`process ${holder.pid}`);
    expect(error.message).toContain("--state-dir");
  });

  it("is free again after kill -9 of its holder, every time", async () => {
    for (let round = 0; round < 3; round += 1) {
      const holder = await startHolder(dir.path);
      expect(refusal(dir.path).pid).toBe(holder.pid);
      holder.kill("SIGKILL");
      await once(holder, "exit");
      acquireStateLock(dir.path).release();
    }
  });

  it("is refused inside the same process too, and the refused attempt does not loosen it", async () => {
    const lock = acquireStateLock(dir.path);
    expect(refusal(dir.path).pid).toBe(process.pid);
    expect(refusal(dir.path).pid).toBe(process.pid);
    const child = spawn(process.execPath, [
      "--input-type=module",
      "--eval",
      HOLD,
      new URL("./lock.ts", import.meta.url).href,
      dir.path,
    ]);
    children.push(child);
    const [code] = await once(child, "exit");
    expect(code).toBe(1);
    lock.release();
    lock.release();
    acquireStateLock(dir.path).release();
  });

  it("leaves no pid behind when it is released", () => {
    acquireStateLock(dir.path).release();
    expect(existsSync(join(dir.path, "gateway.pid"))).toBe(false);
  });

  it.each([0o770, 0o707, 0o777, 0o1777])("is not taken on a directory of mode %o, which others may change", (mode) => {
    chmodSync(dir.path, mode);
    expect(() => acquireStateLock(dir.path)).toThrow(`run: chmod 700 ${dir.path}`);
    expect(existsSync(join(dir.path, "gateway.lock"))).toBe(false);
    chmodSync(dir.path, 0o755);
    acquireStateLock(dir.path).release();
  });

  it("makes the directory and its files for this user alone", () => {
    const stateDir = join(dir.path, "new", "state");
    const before = process.umask(0);
    try {
      const lock = acquireStateLock(stateDir);
      expect(statSync(stateDir).mode & 0o777).toBe(0o700);
      for (const file of ["gateway.lock", "gateway.pid"]) {
        expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
      }
      lock.release();
    } finally {
      process.umask(before);
    }
  });
});

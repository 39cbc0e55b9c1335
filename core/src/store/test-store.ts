import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { Logger } from "../base/log.ts";
import { openStore, type Store } from "./db.ts";

/** A folder of its own for one test. */
export interface TestDir {
  readonly path: string;
  remove(): void;
}

export function makeTestDir(): TestDir {
  const path = mkdtempSync(join(tmpdir(), "openclaw-host-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A real store in a folder of its own. */
export interface TestStore extends Store {
  readonly dir: string;
  readonly path: string;
  /** What `onFatal` was called with. */
  readonly fatal: readonly Error[];
  /** Closes the store and removes the folder. */
  dispose(): Promise<void>;
}

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** Opens a store for one test; the caller disposes of it. `faults`: see `StoreOptions`. */
export async function openTestStore(faults?: MessagePort): Promise<TestStore> {
  const dir = makeTestDir();
  const path = join(dir.path, "host.db");
  const fatal: Error[] = [];
  const store = await openStore({
    path,
    log: silentLog,
    onFatal: (error) => fatal.push(error),
    ...(faults && { faults }),
  });
  return {
    ...store,
    dir: dir.path,
    path,
    fatal,
    async dispose() {
      await store.close();
      dir.remove();
    },
  };
}

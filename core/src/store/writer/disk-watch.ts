import type { Clock, Undo } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Problems } from "../../base/problems.ts";
import type { CommandArgs, CommandName, CommandResult } from "../commands.ts";
import type { Store } from "../db.ts";
import { isStoreError, type StoreError, type StoreErrorKind } from "../store-error.ts";

export interface DiskWatchParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly problems: Problems;
}

/** How often a failing disk is asked whether it works again, ms. */
const PROBE_MS = 2_000;

const FAILING: ReadonlySet<StoreErrorKind> = new Set<StoreErrorKind>(["full", "io", "corrupt"]);

/**
 * What begins something new. While the disk fails it is refused at once, so that the platform keeps its messages and nothing is
 * sent whose receipt could not be stored; what ends something that was begun is tried all the same.
 */
const BEGINS: ReadonlySet<string> = new Set<CommandName>([
  "inbox.receive",
  "inbox.claim",
  "outbox.claim",
  "runs.accept",
]);

/** Raises the problem `disk` while the database cannot be written, and clears it when a probe succeeds. Looks once at the beginning. */
export function watchDisk(parts: DiskWatchParts): Store {
  const watch = new DiskWatch(parts);
  void watch.look();
  return { run: (command, args) => watch.run(command, args), close: () => watch.close() };
}

class DiskWatch {
  readonly #parts: DiskWatchParts;
  #failure: StoreError | undefined;
  #probe: Undo = () => {};

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
  }

  async run<C extends CommandName>(command: C, args: CommandArgs<C>): Promise<CommandResult<C>> {
    if (this.#failure !== undefined && BEGINS.has(command)) throw this.#failure;
    try {
      return await this.#parts.store.run(command, args);
    } catch (error) {
      if (isStoreError(error) && FAILING.has(error.kind)) this.#failed(error);
      throw error;
    }
  }

  /** Whether the disk takes rows, before somebody needs it to. Never rejects. */
  async look(): Promise<void> {
    try {
      await this.run("disk.fill", {});
      await this.run("disk.free", {});
    } catch {
      // Noted by `run`; whatever else it is, the next command meets it too.
    }
  }

  close(): Promise<void> {
    this.#probe();
    return this.#parts.store.close();
  }

  #failed(error: StoreError): void {
    if (this.#failure !== undefined) return;
    const { log, problems } = this.#parts;
    this.#failure = error;
    problems.raise("disk", error.message);
    log.error("the database cannot be written; nothing new is taken or sent until it can", { error: error.message });
    // A damaged file stays damaged however well the next row fits.
    if (error.kind !== "corrupt") this.#probeSoon();
  }

  #probeSoon(): void {
    this.#probe = this.#parts.clock.after(PROBE_MS, () => void this.#ask());
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { store, log, problems } = this.#parts;
    try {
      await store.run("disk.fill", {});
      await store.run("disk.free", {});
      this.#failure = undefined;
      problems.clear("disk");
      log.info("the database can be written again");
    } catch (error) {
      // A store that is closed needs no further question.
      if (isStoreError(error) && FAILING.has(error.kind)) this.#probeSoon();
    }
  }
}

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { COMMANDS, type CommandArgs, type CommandName, type CommandResult } from "./commands.ts";
import { READ_ONLY } from "./read-only.ts";
import { StoreError, describeFailure } from "./store-error.ts";
import { type Command, Tx } from "./tx.ts";

/** A database that nobody needs to serve: for looking at what a stopped gateway left. */
export interface OfflineStore extends Disposable {
  /** Runs a command that only reads. Throws `StoreError` when the file cannot be read or is of another release. */
  read<C extends CommandName>(command: C, args: CommandArgs<C>): CommandResult<C>;
}

/** Opens the file for reading only; undefined when there is none. A gateway may be running on it. */
export function openOffline(path: string): OfflineStore | undefined {
  if (!existsSync(path)) return undefined;
  const db = guarded(path, () => new DatabaseSync(path, { readOnly: true, timeout: 5_000 }));
  const tx = new Tx(db);
  return {
    read(command, args) {
      if (!READ_ONLY.has(command)) throw new Error(`${command} writes; it needs the gateway`);
      const run = COMMANDS[command] as Command<unknown>;
      return guarded(path, () => run(tx, args)) as CommandResult<typeof command>;
    },
    [Symbol.dispose]: () => db.close(),
  };
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const failure = describeFailure(error);
    if (failure.kind !== "bug") throw new StoreError(failure);
    throw new StoreError({
      kind: "version",
      message: `${path} is not of this release (${failure.message}): start this release's gateway on it once, then try again`,
    });
  }
}

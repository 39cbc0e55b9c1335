import type { MessagePort } from "node:worker_threads";
import type { Logger } from "../base/log.ts";
import type { CommandArgs, CommandName, CommandResult } from "./commands.ts";
import { connectWriter } from "./writer/writer-link.ts";

/**
 * The gateway's database. Every call is one named command that runs in the writer thread inside a transaction; the promise
 * resolves after the commit, so what it returns is durable. Rejects with `StoreError`. Writes are done and answered in the order
 * of the calls; a read sees every write that was answered before it was called.
 */
export interface Store {
  run<C extends CommandName>(command: C, args: CommandArgs<C>): Promise<CommandResult<C>>;
  /** Finishes the calls that were made, then closes the file. Later calls reject. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Path of `host.db`; its folder is made when it is missing. */
  readonly path: string;
  readonly log: Logger;
  /** Called once when the writer thread died: nothing can be stored any more, the process must end. */
  readonly onFatal: (error: Error) => void;
  /** True when the database was used before: a file that is missing or empty is then refused, not made anew. Default false. */
  readonly mustExist?: boolean;
  /** Tests send `Fault`s through the other end of this port. */
  readonly faults?: MessagePort;
}

/** Opens the database, applying migrations. Rejects with a `StoreError` that says what to do. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const link = await connectWriter(options);
  return {
    run: (command, args) => link.run(command, args) as Promise<CommandResult<typeof command>>,
    close: () => link.close(),
  };
}

import { inboxCommands } from "./inbox.ts";
import { ledgerCommands } from "./ledger.ts";
import { outboxCommands } from "./outbox.ts";
import { runsCommands } from "./runs.ts";
import { sessionsCommands } from "./sessions.ts";
import type { Command } from "./tx.ts";

/**
 * Every command of the store, by name. A family adds one member here and one spread below; it exports a plain object
 * literal whose functions state their types (`(tx: Tx, args: {...}): Result => ...`).
 */
export type Commands = typeof runsCommands & typeof inboxCommands & typeof ledgerCommands & typeof outboxCommands & typeof sessionsCommands;

/** The bodies; loaded by the writer thread only (the main thread imports this file for its types). */
export const COMMANDS: Commands = { ...runsCommands, ...inboxCommands, ...ledgerCommands, ...outboxCommands, ...sessionsCommands } satisfies Record<string, Command>;

/** Commands that never write: a group made of them alone runs without a transaction, and a write in it fails. */
export const READ_ONLY: ReadonlySet<string> = new Set<CommandName>([
  "inbox.cursor",
  "ledger.counts",
  "ledger.delivery",
  "ledger.outcome",
  "runs.get",
  "runs.stranded",
  "sessions.load",
  "sessions.history",
  "sessions.transcript",
  "sessions.recent",
]);

export type CommandName = keyof Commands;
export type CommandArgs<C extends CommandName> = Parameters<Commands[C]>[1];
export type CommandResult<C extends CommandName> = ReturnType<Commands[C]>;

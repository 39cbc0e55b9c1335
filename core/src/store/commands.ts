import { diskProbeCommands } from "./disk-probe.ts";
import { deliveriesCommands } from "./deliveries.ts";
import { guestStoreCommands } from "./guest-store.ts";
import { devicesCommands } from "./devices.ts";
import { idempotencyCommands } from "./idempotency.ts";
import { inboxCommands } from "./inbox.ts";
import { ledgerCommands } from "./ledger.ts";
import { mediaUpkeepCommands } from "./media-upkeep.ts";
import { mediaCommands } from "./media.ts";
import { outboxCommands } from "./outbox.ts";
import { pairingCommands } from "./pairing.ts";
import { runsCommands } from "./runs.ts";
import { sessionsCommands } from "./sessions.ts";
import { upkeepCommands } from "./upkeep.ts";
import type { Command } from "./tx.ts";

/**
 * Every command of the store, by name. A family adds one member here and one spread below; it exports a plain object
 * literal whose functions state their types (`(tx: Tx, args: {...}): Result => ...`).
 */
export type Commands = typeof devicesCommands &
  typeof deliveriesCommands &
  typeof diskProbeCommands &
  typeof upkeepCommands &
  typeof idempotencyCommands &
  typeof guestStoreCommands &
  typeof mediaCommands &
  typeof mediaUpkeepCommands &
  typeof runsCommands &
  typeof inboxCommands &
  typeof ledgerCommands &
  typeof outboxCommands &
  typeof pairingCommands &
  typeof sessionsCommands;

/** The bodies; loaded by the writer thread only (the main thread imports this file for its types). */
export const COMMANDS: Commands = {
  ...devicesCommands,
  ...deliveriesCommands,
  ...diskProbeCommands,
  ...upkeepCommands,
  ...idempotencyCommands,
  ...guestStoreCommands,
  ...mediaCommands,
  ...mediaUpkeepCommands,
  ...runsCommands,
  ...inboxCommands,
  ...ledgerCommands,
  ...outboxCommands,
  ...pairingCommands,
  ...sessionsCommands,
} satisfies Record<string, Command>;

export type CommandName = keyof Commands;
export type CommandArgs<C extends CommandName> = Parameters<Commands[C]>[1];
export type CommandResult<C extends CommandName> = ReturnType<Commands[C]>;

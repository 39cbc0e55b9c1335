import { diskProbeCommands } from "./writer/disk-probe.ts";
import { auditCommands } from "./tables/audit.ts";
import { deliveriesCommands } from "./tables/deliveries.ts";
import { draftsCommands } from "./tables/drafts.ts";
import { guestStoreCommands } from "./tables/guest-store.ts";
import { deviceLinksCommands } from "./tables/device-links.ts";
import { deviceRequestsCommands } from "./tables/device-requests.ts";
import { nodePairingsCommands } from "./tables/node-pairings.ts";
import { devicesCommands } from "./tables/devices.ts";
import { idempotencyCommands } from "./tables/idempotency.ts";
import { inboxCommands } from "./tables/inbox.ts";
import { keptMessagesCommands } from "./tables/kept-messages.ts";
import { ledgerCommands } from "./tables/ledger.ts";
import { mediaUpkeepCommands } from "./tables/media-upkeep.ts";
import { mediaCommands } from "./tables/media.ts";
import { outboxCommands } from "./tables/outbox.ts";
import { pairingCommands } from "./tables/pairing.ts";
import { runsCommands } from "./tables/runs.ts";
import { sessionsCommands } from "./tables/sessions.ts";
import { upkeepCommands } from "./tables/upkeep.ts";
import { waitingCommands } from "./tables/waiting.ts";
import type { Command } from "./tx.ts";

/**
 * Every command of the store, by name. A family adds one member here and one spread below; it exports a plain object
 * literal whose functions state their types (`(tx: Tx, args: {...}): Result => ...`).
 */
export type Commands = typeof devicesCommands &
  typeof deviceRequestsCommands &
  typeof deviceLinksCommands &
  typeof nodePairingsCommands &
  typeof auditCommands &
  typeof deliveriesCommands &
  typeof diskProbeCommands &
  typeof draftsCommands &
  typeof upkeepCommands &
  typeof idempotencyCommands &
  typeof guestStoreCommands &
  typeof mediaCommands &
  typeof mediaUpkeepCommands &
  typeof runsCommands &
  typeof inboxCommands &
  typeof keptMessagesCommands &
  typeof ledgerCommands &
  typeof outboxCommands &
  typeof pairingCommands &
  typeof sessionsCommands &
  typeof waitingCommands;

/** The bodies; loaded by the writer thread only (the main thread imports this file for its types). */
export const COMMANDS: Commands = {
  ...devicesCommands,
  ...deviceRequestsCommands,
  ...deviceLinksCommands,
  ...nodePairingsCommands,
  ...auditCommands,
  ...deliveriesCommands,
  ...diskProbeCommands,
  ...draftsCommands,
  ...upkeepCommands,
  ...idempotencyCommands,
  ...guestStoreCommands,
  ...mediaCommands,
  ...mediaUpkeepCommands,
  ...runsCommands,
  ...inboxCommands,
  ...keptMessagesCommands,
  ...ledgerCommands,
  ...outboxCommands,
  ...pairingCommands,
  ...sessionsCommands,
  ...waitingCommands,
} satisfies Record<string, Command>;

export type CommandName = keyof Commands;
export type CommandArgs<C extends CommandName> = Parameters<Commands[C]>[1];
export type CommandResult<C extends CommandName> = ReturnType<Commands[C]>;

import type { CommandName } from "./commands.ts";

/**
 * Commands that never write; a write in one of them fails. They run without a transaction, between groups of writes, and see
 * every write that was answered before they were called. A family adds its own lines.
 */
export const READ_ONLY: ReadonlySet<string> = new Set<CommandName>([
  "audit.list",
  "audit.prunable",
  "audit.state",
  "audit.walk",
  "guestStore.get",
  "guestStore.list",
  "devices.load",
  "inbox.cursor",
  "inbox.size",
  "deliveries.list",
  "deliveries.parked",
  "kept.get",
  "kept.list",
  "ledger.counts",
  "ledger.delivery",
  "ledger.outcome",
  "media.find",
  "media.size",
  "media.unknown",
  "runs.get",
  "runs.stranded",
  "sessions.load",
  "sessions.history",
  "sessions.transcript",
  "sessions.recent",
  "waiting.counts",
]);

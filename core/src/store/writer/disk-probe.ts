import type { Tx } from "../tx.ts";

/** Enough to need new pages of the file, little enough to be tried every few seconds, bytes. */
const PROBE_BYTES = 64 * 1024;

/** Whether the disk takes new rows again. Two commands, because a row that is gone before the commit needs no space. */
export const diskProbeCommands = {
  "disk.fill": (tx: Tx, _args: Record<string, never>): number =>
    tx.run("INSERT INTO disk_probe (filler) VALUES (zeroblob(?))", PROBE_BYTES),

  "disk.free": (tx: Tx, _args: Record<string, never>): number => tx.run("DELETE FROM disk_probe"),
};

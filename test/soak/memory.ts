import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const KIB = 1_024;

/** Resident memory of one process, bytes. Source: https://docs.kernel.org/filesystems/proc.html, smaps_rollup. */
export function residentBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Rss:\s+(\d+) kB/mu.exec(rollup)?.[1]) * KIB;
}

/** The children of all threads of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}

/** Size of the gateway's database with its log, bytes. */
export const databaseBytes = (stateDir: string): number =>
  ["host.db", "host.db-wal"]
    .map((name) => statSync(join(stateDir, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);

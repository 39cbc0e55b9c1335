import type { Tx } from "../tx.ts";
import { PAIRING_REQUEST_TTL_MS } from "./device-requests.ts";
import { PAIRING_TTL_MS } from "./pairing.ts";

/** How many wait for their owner's word. */
export interface WaitingCounts {
  readonly devices: number;
  readonly senders: number;
}

const count = (tx: Tx, younger: string, after: number): number =>
  tx.get<{ count: number }>(`SELECT COUNT(*) AS count FROM ${younger} > ?`, after)?.count ?? 0;

export const waitingCommands = {
  /** Without those whose time is over, which may still be in the tables. */
  "waiting.counts": (tx: Tx, { now }: { readonly now: number }): WaitingCounts => ({
    devices: count(tx, "device_requests WHERE requested_at", now - PAIRING_REQUEST_TTL_MS),
    senders: count(tx, "pairing_requests WHERE created_at", now - PAIRING_TTL_MS),
  }),
};

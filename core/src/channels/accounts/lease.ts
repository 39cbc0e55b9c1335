import type { Undo } from "../../base/clock.ts";

export type LeaseClaim =
  | { readonly granted: true; readonly release: Undo }
  /** `freed` resolves when the holder has let go. */
  | { readonly granted: false; readonly holder: string; readonly freed: Promise<void> };

/**
 * Who may connect: one account per platform identity. Two connections of one identity steal each other's messages, or make
 * the platform close both.
 */
export interface Leases {
  claim(channel: string, lease: string, account: string): LeaseClaim;
}

interface Held {
  readonly account: string;
  readonly freed: Promise<void>;
}

export function createLeases(): Leases {
  const held = new Map<string, Held>();
  return {
    claim(channel, lease, account) {
      const key = JSON.stringify([channel, lease]);
      const holder = held.get(key);
      if (holder !== undefined) return { granted: false, holder: holder.account, freed: holder.freed };
      const { promise: freed, resolve } = Promise.withResolvers<void>();
      const mine: Held = { account, freed };
      held.set(key, mine);
      return {
        granted: true,
        release() {
          if (held.get(key) === mine) held.delete(key);
          resolve();
        },
      };
    },
  };
}

import type { Clock, Undo } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/db.ts";
import type { DeviceUse } from "../store/tables/devices.ts";

/** How late "last used" may be on disk, ms: connecting never waits for it. */
const USE_FLUSH_MS = 30_000;

/** When devices connected, kept until it is worth a write. */
export interface UseLog {
  /** `atOnce`: something depends on it. */
  note(use: DeviceUse, when: { readonly atOnce: boolean }): void;
  forget(deviceId: string): void;
  /** Never rejects: what cannot be written is logged and dropped. */
  flush(): Promise<void>;
}

export interface UseLogParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createUseLog({ store, clock, log }: UseLogParts): UseLog {
  let used = new Map<string, DeviceUse>();
  let cancelFlush: Undo | undefined;

  async function flush(): Promise<void> {
    cancelFlush?.();
    cancelFlush = undefined;
    const uses = [...used.values()];
    if (uses.length === 0) return;
    used = new Map();
    try {
      await store.run("devices.used", uses);
    } catch (error) {
      log.warn("could not note which devices connected", { devices: uses.length, error });
    }
  }

  return {
    note(use, { atOnce }) {
      used.set(`${use.claim.deviceId} ${use.claim.role}`, use);
      if (atOnce) void flush();
      else cancelFlush ??= clock.after(USE_FLUSH_MS, () => void flush());
    },
    forget(deviceId) {
      for (const key of used.keys()) if (key.startsWith(`${deviceId} `)) used.delete(key);
    },
    flush,
  };
}

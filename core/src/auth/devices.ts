import type { Clock, Undo } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/db.ts";
import type { DeviceRecord, PairingClaim, PairingReason } from "../store/tables/device-record.ts";

/** How late "last used" may be on disk, ms: connecting never waits for it. */
const USE_FLUSH_MS = 30_000;

/** Paired devices. Looking one up is a memory access; what changes rights resolves when it is on disk. */
export interface Devices {
  get(deviceId: string): DeviceRecord | undefined;
  list(): readonly DeviceRecord[];
  /** Grants a claim. Rejects with `StoreError`. */
  approve(claim: PairingClaim): Promise<DeviceRecord>;
  /** Records a claim for somebody to decide and resolves with the request's id. Rejects with `StoreError`. */
  request(claim: PairingClaim, reason: PairingReason): Promise<string>;
  /** Notes that a known device connected; written soon, and at once when it stopped using version 2 signatures. */
  noteUse(claim: PairingClaim): void;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

export interface DevicesParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

/** Reads the records and keeps them. Rejects with `StoreError`. */
export async function openDevices(parts: DevicesParts): Promise<Devices> {
  const { store, clock, ids, log } = parts;
  const records = new Map<string, DeviceRecord>();
  for (const record of await store.run("devices.load", null)) records.set(record.deviceId, record);
  let used = new Map<string, { claim: PairingClaim; at: number }>();
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
    get: (deviceId) => records.get(deviceId),
    list: () => [...records.values()],
    async approve(claim) {
      const record = await store.run("devices.approve", { claim, at: clock.now() });
      records.set(record.deviceId, record);
      return record;
    },
    async request(claim, reason) {
      const request = await store.run("devices.request", { claim, at: clock.now(), requestId: ids.uuid(), reason });
      return request.requestId;
    },
    noteUse(claim) {
      const known = records.get(claim.deviceId);
      if (known === undefined) return;
      const at = clock.now();
      const upgraded = known.signature === "v2" && claim.signature === "v3";
      records.set(known.deviceId, { ...known, lastUsedAt: at, signature: upgraded ? "v3" : known.signature });
      used.set(claim.deviceId, { claim, at });
      if (upgraded) void flush();
      else cancelFlush ??= clock.after(USE_FLUSH_MS, () => void flush());
    },
    close: flush,
  };
}

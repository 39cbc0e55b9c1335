import type { Clock, Undo } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { type WireError, invalidRequest } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import type {
  DeviceRecord,
  Granter,
  PairingClaim,
  PairingReason,
  PairingRequest,
  Role,
} from "../store/tables/device-record.ts";
import { HOST_SOURCE } from "../store/tables/device-requests.ts";
import { networkOf } from "./addresses.ts";
import { missingScope } from "./granter.ts";
import { createUseLog } from "./device-use.ts";

/** What happened to devices; told after it is on disk. */
export type DeviceNews =
  | { readonly kind: "requested"; readonly request: PairingRequest }
  | {
      readonly kind: "resolved";
      readonly requestId: string;
      readonly deviceId: string;
      readonly decision: "approved" | "rejected";
    }
  /** Whatever is connected as this device, in this role when one is named, must go. `by`: the caller's identity. */
  | {
      readonly kind: "removed" | "revoked" | "rotated";
      readonly deviceId: string;
      readonly role?: Role;
    };

/** A device's token of one role. */
export interface TokenOf {
  readonly deviceId: string;
  readonly role: Role;
}

export interface Rotation extends TokenOf {
  /** Narrows what the role may do. Default: what it has. */
  readonly scopes?: readonly string[];
  /** No grace for the token that is replaced. */
  readonly now: boolean;
}

/**
 * Paired devices. Looking one up is a memory access; what changes rights resolves when it is on disk, audited in the same
 * transaction. Every change by a person takes the one who makes it and is bounded by their scopes. Changes reject with
 * `WireError` when they are refused and with `StoreError` when they cannot be stored.
 */
export interface Devices {
  get(deviceId: string): DeviceRecord | undefined;
  list(): readonly DeviceRecord[];
  /** What waits for somebody to decide, newest first. */
  requests(): Promise<readonly PairingRequest[]>;
  /** Records a claim for somebody to decide. `local`: the device is on the gateway's own host. */
  request(
    claim: PairingClaim,
    asked: { readonly reason: PairingReason; readonly local: boolean },
  ): Promise<PairingRequest>;
  /** Grants a claim by the gateway's own rules: a local device, or one whose user holds the server key. */
  pair(claim: PairingClaim, reasons: readonly PairingReason[]): Promise<DeviceRecord>;
  /** Uses up a link's code and pairs the device as the link says; undefined when the code is good for nothing. */
  redeem(claim: PairingClaim, codeHash: string): Promise<DeviceRecord | undefined>;
  approve(requestId: string, by: Granter): Promise<DeviceRecord>;
  /** Resolves with the id of the device, which is not told and may ask again. */
  reject(requestId: string, by: Granter): Promise<string>;
  remove(deviceId: string, by: Granter): Promise<void>;
  rotate(rotation: Rotation, by: Granter): Promise<DeviceRecord>;
  revoke(token: TokenOf, by: Granter): Promise<DeviceRecord>;
  /** The owner's name for a device that has this role; undefined when there is none. */
  rename(token: TokenOf, name: string): Promise<DeviceRecord | undefined>;
  /** A token of this generation was used: older ones never work again. Undefined when it became worthless meanwhile. */
  settle(token: TokenOf & { readonly generation: number }): Promise<DeviceRecord | undefined>;
  /** Notes that a known device connected; written soon, and at once when it stopped using version 2 signatures. */
  noteUse(claim: PairingClaim): void;
  /** Tells what happens from now on. */
  watch(listener: (news: DeviceNews) => void): Undo;
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
  const devices = new DeviceBook(parts);
  await devices.load();
  return devices;
}

const unknownRequest = (): WireError => invalidRequest("unknown requestId");
const unknownToken = (): WireError => invalidRequest("unknown deviceId/role");

class DeviceBook implements Devices {
  readonly #parts: DevicesParts;
  readonly #records = new Map<string, DeviceRecord>();
  readonly #listeners = new Set<(news: DeviceNews) => void>();
  readonly #uses: ReturnType<typeof createUseLog>;

  constructor(parts: DevicesParts) {
    this.#parts = parts;
    this.#uses = createUseLog(parts);
  }

  async load(): Promise<void> {
    for (const record of await this.#parts.store.run("devices.load", null)) this.#keep(record);
  }

  get(deviceId: string): DeviceRecord | undefined {
    return this.#records.get(deviceId);
  }

  list(): readonly DeviceRecord[] {
    return [...this.#records.values()];
  }

  requests(): Promise<readonly PairingRequest[]> {
    return this.#parts.store.run("devices.requests", { at: this.#now() });
  }

  async request(
    claim: PairingClaim,
    { reason, local }: { readonly reason: PairingReason; readonly local: boolean },
  ): Promise<PairingRequest> {
    const { store, ids } = this.#parts;
    const source = local ? HOST_SOURCE : networkOf(claim.remoteIp ?? "127.0.0.1");
    const asked = { claim, reason, source, at: this.#now(), requestId: ids.uuid() };
    const { request, created } = await store.run("devices.request", asked);
    if (created) this.#tell({ kind: "requested", request });
    return request;
  }

  async pair(claim: PairingClaim, reasons: readonly PairingReason[]): Promise<DeviceRecord> {
    const record = this.#keep(await this.#parts.store.run("devices.pair", { claim, reasons, at: this.#now() }));
    this.#approved(this.#parts.ids.uuid(), record);
    return record;
  }

  async redeem(claim: PairingClaim, codeHash: string): Promise<DeviceRecord | undefined> {
    const redeemed = await this.#parts.store.run("links.redeem", { claim, codeHash, at: this.#now() });
    if (redeemed === undefined) return undefined;
    const record = this.#keep(redeemed.record);
    if (redeemed.state === "paired") this.#approved(this.#parts.ids.uuid(), record);
    return record;
  }

  async approve(requestId: string, by: Granter): Promise<DeviceRecord> {
    const outcome = await this.#parts.store.run("devices.approve", { requestId, by, at: this.#now() });
    if (outcome.state === "unknown") throw unknownRequest();
    if (outcome.state === "beyond") throw missingScope(outcome.missing);
    const record = this.#keep(outcome.record);
    if (outcome.state === "approved") this.#approved(requestId, record);
    return record;
  }

  async reject(requestId: string, by: Granter): Promise<string> {
    const outcome = await this.#parts.store.run("devices.reject", { requestId, by, at: this.#now() });
    if (outcome.state === "unknown") throw unknownRequest();
    const { state, deviceId } = outcome;
    if (state === "rejected") this.#tell({ kind: "resolved", requestId, deviceId, decision: "rejected" });
    return deviceId;
  }

  async remove(deviceId: string, by: Granter): Promise<void> {
    const removed = await this.#parts.store.run("devices.remove", { deviceId, by, at: this.#now() });
    if (removed === undefined) throw invalidRequest("unknown deviceId");
    if (removed.state === "again") return;
    this.#records.delete(deviceId);
    this.#uses.forget(deviceId);
    this.#tell({ kind: "removed", deviceId });
  }

  async rotate(rotation: Rotation, by: Granter): Promise<DeviceRecord> {
    const { deviceId, role } = rotation;
    const record = await this.#parts.store.run("devices.rotate", { ...rotation, by, at: this.#now() });
    if (record === undefined) throw unknownToken();
    this.#keep(record);
    this.#tell({ kind: "rotated", deviceId, role });
    return record;
  }

  async revoke({ deviceId, role }: TokenOf, by: Granter): Promise<DeviceRecord> {
    const record = await this.#parts.store.run("devices.revoke", { deviceId, role, by, at: this.#now() });
    if (record === undefined) throw unknownToken();
    this.#keep(record);
    this.#tell({ kind: "revoked", deviceId, role });
    return record;
  }

  async rename({ deviceId, role }: TokenOf, name: string): Promise<DeviceRecord | undefined> {
    const record = await this.#parts.store.run("devices.rename", { deviceId, role, name });
    return record === undefined ? undefined : this.#keep(record);
  }

  async settle(token: TokenOf & { readonly generation: number }): Promise<DeviceRecord | undefined> {
    const record = await this.#parts.store.run("devices.settle", { ...token, at: this.#now() });
    return record === undefined ? undefined : this.#keep(record);
  }

  noteUse(claim: PairingClaim): void {
    const known = this.#records.get(claim.deviceId);
    if (known === undefined) return;
    const at = this.#now();
    const upgraded = known.signature === "v2" && claim.signature === "v3";
    const grants = known.grants.map((grant) => (grant.role === claim.role ? { ...grant, lastUsedAt: at } : grant));
    this.#records.set(known.deviceId, {
      ...known,
      grants,
      lastUsedAt: at,
      signature: upgraded ? "v3" : known.signature,
    });
    this.#uses.note({ claim, at }, { atOnce: upgraded });
  }

  watch(listener: (news: DeviceNews) => void): Undo {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#uses.flush();
  }

  #now(): number {
    return this.#parts.clock.now();
  }

  /** What was noted of a device since it was read is newer than what its record says. */
  #keep(record: DeviceRecord): DeviceRecord {
    const known = this.#records.get(record.deviceId);
    const lastUsedAt = known?.lastUsedAt ?? record.lastUsedAt;
    const kept = {
      ...record,
      signature: known?.signature === "v3" ? "v3" : record.signature,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    };
    this.#records.set(record.deviceId, kept);
    return kept;
  }

  #approved(requestId: string, { deviceId }: DeviceRecord): void {
    this.#tell({ kind: "resolved", requestId, deviceId, decision: "approved" });
  }

  #tell(news: DeviceNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}

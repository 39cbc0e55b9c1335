import { scopesCover } from "openclaw-host-schemas";
import type { Tx } from "../tx.ts";
import { appendAudit } from "./audit.ts";
import { mayManage, missingToGive } from "./device-authority.ts";
import { findDevice, findGrant, grantClaim, metadataOf, recordOf, requireDevice } from "./device-grants.ts";
import type { GrantArgs } from "./device-grants.ts";
import { forgetLinksOf } from "./device-links.ts";
import {
  type DeviceMetadata,
  type DeviceRecord,
  type Granter,
  type PairingClaim,
  type PairingReason,
  type Role,
} from "./device-record.ts";
import { activeGrace, grantOf } from "./device-record.ts";
import { decidedBefore, remember } from "./device-requests.ts";

/** Generations that may be in grace at once; whoever rotates more often than that in ten minutes ends the oldest. */
const MAX_GRACE = 4;

/** News of devices that connected, to be written when convenient. */
export interface DeviceUse {
  readonly claim: PairingClaim;
  readonly at: number;
}

/** A device's token of one role, and who wants it changed. */
export interface TokenArgs {
  readonly deviceId: string;
  readonly role: Role;
  readonly by: Granter;
  readonly at: number;
}

interface RotateArgs extends TokenArgs {
  /** Narrows what the device may do from now on. Default: what it has. */
  readonly scopes?: readonly string[];
  /** No grace for the token that is replaced. */
  readonly now: boolean;
}

export const devicesCommands = {
  "devices.load": (tx: Tx, _args: null): DeviceRecord[] =>
    tx.all("SELECT * FROM devices ORDER BY approved_at, device_id").map((row) => recordOf(tx, row)),

  /** Grants a claim that the gateway's own rules allow without a person. */
  "devices.pair": (
    tx: Tx,
    args: Omit<GrantArgs, "reason"> & { readonly reasons: readonly PairingReason[] },
  ): DeviceRecord => {
    const { claim, reasons, at } = args;
    for (const reason of reasons) grantClaim(tx, { claim, reason, at });
    const reason = reasons.join(", ");
    const { deviceId: subject, role, scopes, displayName: name } = claim;
    const named = name === undefined ? {} : { name };
    appendAudit(tx, at, [{ action: "paired", actor: "gateway", subject, role, scopes, reason, ...named }]);
    return requireDevice(tx, claim.deviceId);
  },

  /** Forgets a device with all it may do, all it asks for, and every link it made or used. Undefined when it is denied. */
  "devices.remove": (
    tx: Tx,
    args: { readonly deviceId: string; readonly by: Granter; readonly at: number },
  ): { readonly state: "removed" | "again" } | undefined => {
    const { deviceId, by, at } = args;
    const decided = { subject: deviceId, decision: "removed", by: by.identity } as const;
    const record = findDevice(tx, deviceId);
    if (record === undefined) return decidedBefore(tx, decided) === undefined ? undefined : { state: "again" };
    if (!mayManage(tx, by, deviceId)) return undefined;
    // Whatever the device is granted later begins above its old tokens.
    const newest = Math.max(...record.grants.map(({ generation }) => generation), 0);
    tx.run("UPDATE device_generations SET first = max(first, ?)", newest + 1);
    tx.run("DELETE FROM devices WHERE device_id = ?", deviceId);
    tx.run("DELETE FROM device_requests WHERE device_id = ?", deviceId);
    forgetLinksOf(tx, deviceId);
    remember(tx, { ...decided, deviceId, at });
    appendAudit(tx, at, [{ action: "removed", actor: by.identity, subject: deviceId }]);
    return { state: "removed" };
  },

  /**
   * Replaces a token by the next generation, at most with the scopes the role has, which the caller must cover. The old one works
   * until a newer one is used, or ten minutes; so a repeat whose first answer was lost locks nobody out. Undefined when it is denied.
   */
  "devices.rotate": (tx: Tx, args: RotateArgs): DeviceRecord | undefined => {
    const { deviceId, role, by, at } = args;
    const held = findGrant(tx, args);
    if (held === undefined || held.revoked || !mayManage(tx, by, deviceId)) return undefined;
    const scopes = args.scopes ?? held.scopes;
    if (!scopesCover(held.scopes, scopes) || missingToGive(tx, by, scopes) !== undefined) return undefined;
    const replaced = [...activeGrace(held, at), { generation: held.generation, replacedAt: at }];
    tx.run(
      `UPDATE device_grants SET generation = generation + 1, scopes = ?, grace = ?, rotated_at = ?, issued_at = ?
       WHERE device_id = ? AND role = ?`,
      JSON.stringify(scopes),
      JSON.stringify(args.now ? [] : replaced.slice(-MAX_GRACE)),
      at,
      at,
      deviceId,
      role,
    );
    // A link of a device that may do less now could give away what it may no longer give.
    if (!scopesCover(scopes, held.scopes)) forgetLinksOf(tx, deviceId);
    appendAudit(tx, at, [{ action: "rotated", actor: by.identity, subject: deviceId, role, scopes }]);
    return requireDevice(tx, deviceId);
  },

  /** Ends a role at once. Revoking again changes nothing. Undefined when it is denied. */
  "devices.revoke": (tx: Tx, { deviceId, role, by, at }: TokenArgs): DeviceRecord | undefined => {
    const held = findGrant(tx, { deviceId, role });
    if (held === undefined || !mayManage(tx, by, deviceId)) return undefined;
    if (held.revoked) return requireDevice(tx, deviceId);
    tx.run(
      "UPDATE device_grants SET revoked_at = ?, grace = '[]' WHERE device_id = ? AND role = ?",
      at,
      deviceId,
      role,
    );
    tx.run("DELETE FROM device_requests WHERE device_id = ? AND json_extract(claim, '$.role') = ?", deviceId, role);
    forgetLinksOf(tx, deviceId);
    appendAudit(tx, at, [{ action: "revoked", actor: by.identity, subject: deviceId, role }]);
    return requireDevice(tx, deviceId);
  },

  /** A generation was used: older ones never work again. Undefined when it may not be used any more itself. */
  "devices.settle": (
    tx: Tx,
    args: { readonly deviceId: string; readonly role: Role; readonly generation: number; readonly at: number },
  ): DeviceRecord | undefined => {
    const record = findDevice(tx, args.deviceId);
    const held = record && grantOf(record, args.role);
    if (held === undefined || held.revoked) return undefined;
    const grace = activeGrace(held, args.at).filter(({ generation }) => generation >= args.generation);
    if (held.generation !== args.generation && !grace.some(({ generation }) => generation === args.generation)) {
      return undefined;
    }
    tx.run(
      "UPDATE device_grants SET grace = ? WHERE device_id = ? AND role = ?",
      JSON.stringify(grace),
      args.deviceId,
      args.role,
    );
    return requireDevice(tx, args.deviceId);
  },

  /** The owner's name for a device; undefined when it is unknown or has no such role. */
  "devices.rename": (
    tx: Tx,
    { deviceId, role, name }: { readonly deviceId: string; readonly role: Role; readonly name: string },
  ): DeviceRecord | undefined => {
    if (findGrant(tx, { deviceId, role }) === undefined) return undefined;
    tx.run("UPDATE devices SET name = ? WHERE device_id = ?", name, deviceId);
    return requireDevice(tx, deviceId);
  },

  /** Refreshes what devices say of themselves. Pinned metadata and grants stay; a signature version only rises. */
  "devices.used": (tx: Tx, uses: readonly DeviceUse[]): null => {
    for (const { claim, at } of uses) {
      tx.run(
        "UPDATE devices SET last_used_at = ?, signature = max(signature, ?), metadata = json_patch(metadata, ?) WHERE device_id = ?",
        at,
        claim.signature,
        JSON.stringify(unpinned(claim)),
        claim.deviceId,
      );
      tx.run(
        "UPDATE device_grants SET last_used_at = ? WHERE device_id = ? AND role = ?",
        at,
        claim.deviceId,
        claim.role,
      );
    }
    return null;
  },
};

function unpinned(claim: PairingClaim): DeviceMetadata {
  const { platform: _platform, deviceFamily: _family, ...rest } = metadataOf(claim);
  return rest;
}

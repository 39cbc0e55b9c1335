import { createHash } from "node:crypto";
import { deviceId } from "../../base/brand.ts";
import type {
  DeviceMetadata,
  DeviceRecord,
  PairingClaim,
  PairingReason,
  PairingRequest,
  RoleGrant,
} from "./device-record.ts";
import type { Row, Tx } from "../tx.ts";

/** How long a pairing request waits, ms (wire protocol 8.1). */
export const PAIRING_REQUEST_TTL_MS: number = 5 * 60_000;
/** Requests kept at most, in all and for one device; the oldest make room, so that a flood ends in itself. */
const MAX_REQUESTS = 200;
const MAX_REQUESTS_PER_DEVICE = 5;

interface ApproveArgs {
  readonly claim: PairingClaim;
  readonly at: number;
}

interface RequestArgs extends ApproveArgs {
  /** Used when the same claim is not already waiting. */
  readonly requestId: string;
  readonly reason: PairingReason;
}

/** News of devices that connected, to be written when convenient. */
export interface DeviceUse {
  readonly claim: PairingClaim;
  readonly at: number;
}

export const devicesCommands = {
  "devices.load": (tx: Tx, _args: null): DeviceRecord[] =>
    tx.all("SELECT * FROM devices ORDER BY approved_at, device_id").map((row) => recordOf(tx, row)),

  /** Grants a claim: scopes are added to what the device has; a revoked role has none and gets a new token generation. */
  "devices.approve": (tx: Tx, { claim, at }: ApproveArgs): DeviceRecord => {
    tx.run(
      `INSERT INTO devices (device_id, public_key, signature, metadata, created_at, approved_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (device_id) DO UPDATE SET public_key = excluded.public_key, signature = max(signature, excluded.signature),
         metadata = excluded.metadata, approved_at = excluded.approved_at`,
      claim.deviceId,
      claim.publicKey,
      claim.signature,
      JSON.stringify(metadataOf(claim)),
      at,
      at,
    );
    grant(tx, claim, at);
    return load(tx, claim.deviceId);
  },

  /** Records what somebody must decide; asking for the same again keeps its id and starts its time anew. */
  "devices.request": (tx: Tx, { claim, at, requestId, reason }: RequestArgs): PairingRequest => {
    tx.run("DELETE FROM device_requests WHERE requested_at <= ?", at - PAIRING_REQUEST_TTL_MS);
    const digest = createHash("sha256")
      .update(JSON.stringify(boundContent(claim, reason)))
      .digest("hex");
    const row = tx.get(
      `INSERT INTO device_requests (request_id, digest, device_id, claim, reason, requested_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET requested_at = excluded.requested_at RETURNING request_id`,
      requestId,
      digest,
      claim.deviceId,
      JSON.stringify(claim),
      reason,
      at,
    );
    // Requests of the future, from before the clock was set back, must not push out those that come now.
    tx.run("UPDATE device_requests SET requested_at = ? WHERE requested_at > ?", at, at);
    const newest = "SELECT request_id FROM device_requests";
    tx.run(
      `DELETE FROM device_requests WHERE device_id = ?1 AND request_id NOT IN
         (${newest} WHERE device_id = ?1 ORDER BY requested_at DESC, request_id LIMIT ${MAX_REQUESTS_PER_DEVICE})`,
      claim.deviceId,
    );
    tx.run(
      `DELETE FROM device_requests WHERE request_id NOT IN (${newest} ORDER BY requested_at DESC, request_id LIMIT ${MAX_REQUESTS})`,
    );
    return { ...claim, requestId: String(row?.["request_id"]), reason, requestedAt: at };
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
    }
    return null;
  },
};

function grant(tx: Tx, claim: PairingClaim, at: number): void {
  const old = tx.get("SELECT * FROM device_grants WHERE device_id = ? AND role = ?", claim.deviceId, claim.role);
  const held = old === undefined ? undefined : grantFrom(old);
  // What was revoked does not come back with a smaller claim that somebody approves.
  const kept = held === undefined || held.revoked ? [] : held.scopes;
  const scopes = [...new Set([...kept, ...claim.scopes])];
  tx.run(
    `INSERT INTO device_grants (device_id, role, scopes, generation, issued_at) VALUES (?1, ?2, ?3, 1, ?4)
     ON CONFLICT (device_id, role) DO UPDATE SET scopes = excluded.scopes, revoked_at = NULL,
       generation = generation + (revoked_at IS NOT NULL), issued_at = iif(revoked_at IS NULL, issued_at, excluded.issued_at)`,
    claim.deviceId,
    claim.role,
    JSON.stringify(scopes),
    at,
  );
}

function load(tx: Tx, id: string): DeviceRecord {
  const row = tx.get("SELECT * FROM devices WHERE device_id = ?", id);
  if (row === undefined) throw new Error(`device ${id} vanished within its own transaction`);
  return recordOf(tx, row);
}

function recordOf(tx: Tx, row: Row): DeviceRecord {
  const grants = tx.all("SELECT * FROM device_grants WHERE device_id = ? ORDER BY role", String(row["device_id"]));
  const lastUsedAt = row["last_used_at"];
  return {
    ...(JSON.parse(String(row["metadata"])) as DeviceMetadata),
    deviceId: deviceId(String(row["device_id"])),
    publicKey: String(row["public_key"]),
    signature: row["signature"] === "v3" ? "v3" : "v2",
    grants: grants.map(grantFrom),
    createdAt: Number(row["created_at"]),
    approvedAt: Number(row["approved_at"]),
    ...(lastUsedAt === null ? {} : { lastUsedAt: Number(lastUsedAt) }),
  };
}

const grantFrom = (row: Row): RoleGrant => ({
  role: row["role"] === "node" ? "node" : "operator",
  scopes: JSON.parse(String(row["scopes"])) as string[],
  generation: Number(row["generation"]),
  issuedAt: Number(row["issued_at"]),
  revoked: row["revoked_at"] !== null,
});

function metadataOf(claim: PairingClaim): DeviceMetadata {
  const { deviceId: _id, publicKey: _key, signature: _signature, role: _role, scopes: _scopes, ...metadata } = claim;
  return metadata;
}

function unpinned(claim: PairingClaim): DeviceMetadata {
  const { platform: _platform, deviceFamily: _family, ...rest } = metadataOf(claim);
  return rest;
}

/** Everything an approval would make true, in a fixed order. The address changes too easily to be part of it. */
function boundContent(claim: PairingClaim, reason: PairingReason): readonly unknown[] {
  const { platform, deviceFamily, displayName } = claim;
  return [
    reason,
    claim.deviceId,
    claim.role,
    [...claim.scopes].sort(),
    platform,
    deviceFamily,
    displayName,
    claim.clientId,
  ];
}

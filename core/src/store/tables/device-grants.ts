import { deviceId } from "../../base/brand.ts";
import type { Row, Tx } from "../tx.ts";
import type {
  DeviceMetadata,
  DeviceRecord,
  GraceToken,
  PairingClaim,
  PairingReason,
  Role,
  RoleGrant,
} from "./device-record.ts";

/** Makes a claim true: the one place where a device gets a role or a scope. */
export interface GrantArgs {
  readonly claim: PairingClaim;
  /** What somebody was shown, or what a local device asked for by itself. */
  readonly reason: PairingReason;
  readonly at: number;
}

/**
 * Grants what the reason is about, and nothing else: a new device is pinned to what it says of itself, a changed platform is
 * pinned anew, a role or scopes are added to what the device has. A revoked role has nothing and gets a new token generation.
 * A device that was known keeps its history.
 */
export function grantClaim(tx: Tx, { claim, reason, at }: GrantArgs): DeviceRecord {
  const isNew =
    tx.run(
      `INSERT INTO devices (device_id, public_key, signature, metadata, created_at, approved_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (device_id) DO NOTHING`,
      claim.deviceId,
      claim.publicKey,
      claim.signature,
      JSON.stringify(metadataOf(claim)),
      at,
      at,
    ) > 0;
  if (!isNew) {
    tx.run(
      `UPDATE devices SET signature = max(signature, ?), approved_at = ?, metadata = iif(?, ?, metadata) WHERE device_id = ?`,
      claim.signature,
      at,
      reason === "metadata-upgrade" ? 1 : 0,
      JSON.stringify(metadataOf(claim)),
      claim.deviceId,
    );
  }
  if (isNew || reason !== "metadata-upgrade") addGrant(tx, claim, at);
  return requireDevice(tx, claim.deviceId);
}

function addGrant(tx: Tx, claim: PairingClaim, at: number): void {
  const held = findGrant(tx, claim);
  // What was revoked does not come back with a smaller claim that somebody approves.
  const kept = held === undefined || held.revoked ? [] : held.scopes;
  const scopes = [...new Set([...kept, ...claim.scopes])];
  tx.run(
    `INSERT INTO device_grants (device_id, role, scopes, generation, created_at, issued_at)
       SELECT ?1, ?2, ?3, first, ?4, ?4 FROM device_generations WHERE true
     ON CONFLICT (device_id, role) DO UPDATE SET scopes = excluded.scopes, revoked_at = NULL,
       generation = generation + (revoked_at IS NOT NULL), issued_at = iif(revoked_at IS NULL, issued_at, excluded.issued_at)`,
    claim.deviceId,
    claim.role,
    JSON.stringify(scopes),
    at,
  );
}

export function findGrant(tx: Tx, at: { readonly deviceId: string; readonly role: Role }): RoleGrant | undefined {
  const row = tx.get("SELECT * FROM device_grants WHERE device_id = ? AND role = ?", at.deviceId, at.role);
  return row === undefined ? undefined : grantFrom(row);
}

export function findDevice(tx: Tx, id: string): DeviceRecord | undefined {
  const row = tx.get("SELECT * FROM devices WHERE device_id = ?", id);
  return row === undefined ? undefined : recordOf(tx, row);
}

/** For a device that this command has just seen. */
export function requireDevice(tx: Tx, id: string): DeviceRecord {
  const record = findDevice(tx, id);
  if (record === undefined) throw new Error(`device ${id} vanished within its own transaction`);
  return record;
}

export function recordOf(tx: Tx, row: Row): DeviceRecord {
  const grants = tx.all("SELECT * FROM device_grants WHERE device_id = ? ORDER BY role", String(row["device_id"]));
  return {
    ...(JSON.parse(String(row["metadata"])) as DeviceMetadata),
    deviceId: deviceId(String(row["device_id"])),
    publicKey: String(row["public_key"]),
    signature: row["signature"] === "v3" ? "v3" : "v2",
    grants: grants.map(grantFrom),
    createdAt: Number(row["created_at"]),
    approvedAt: Number(row["approved_at"]),
    ...(row["name"] === null ? {} : { name: String(row["name"]) }),
    ...timeOf(row, "last_used_at", "lastUsedAt"),
  };
}

function grantFrom(row: Row): RoleGrant {
  const grace = JSON.parse(String(row["grace"])) as GraceToken[];
  return {
    role: row["role"] === "node" ? "node" : "operator",
    scopes: JSON.parse(String(row["scopes"])) as string[],
    generation: Number(row["generation"]),
    issuedAt: Number(row["issued_at"]),
    revoked: row["revoked_at"] !== null,
    createdAt: Number(row["created_at"]),
    ...timeOf(row, "rotated_at", "rotatedAt"),
    ...timeOf(row, "revoked_at", "revokedAt"),
    ...timeOf(row, "last_used_at", "lastUsedAt"),
    ...(grace.length === 0 ? {} : { grace }),
  };
}

const timeOf = <K extends string>(row: Row, column: string, key: K): Partial<Record<K, number>> =>
  row[column] === null || row[column] === undefined ? {} : ({ [key]: Number(row[column]) } as Record<K, number>);

export function metadataOf(claim: PairingClaim): DeviceMetadata {
  const { deviceId: _id, publicKey: _key, signature: _signature, role: _role, scopes: _scopes, ...metadata } = claim;
  return metadata;
}

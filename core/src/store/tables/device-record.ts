import type { DeviceId } from "../../base/brand.ts";

export type Role = "operator" | "node";

/** Version 3 of the text a device signs also binds platform and device family (wire protocol 2.4). */
export type SignatureVersion = "v2" | "v3";

/** Why a device must be paired (again) (wire protocol 8.2). */
export type PairingReason = "not-paired" | "metadata-upgrade" | "role-upgrade" | "scope-upgrade";

/** What one device may do in one role. */
export interface RoleGrant {
  readonly role: Role;
  readonly scopes: readonly string[];
  /** Generation of the device token; the next one makes it worthless. */
  readonly generation: number;
  /** When this generation was issued, epoch ms. */
  readonly issuedAt: number;
  readonly revoked: boolean;
}

/** What a client says of itself besides its id. */
export interface DeviceMetadata {
  readonly displayName?: string;
  readonly platform?: string;
  readonly deviceFamily?: string;
  readonly clientId?: string;
  readonly clientMode?: string;
  readonly remoteIp?: string;
}

/** A paired device. Platform and family are pinned: a change must be approved (the seed, "Pairing + local trust"). */
export interface DeviceRecord extends DeviceMetadata {
  readonly deviceId: DeviceId;
  /** base64url of the raw Ed25519 key. */
  readonly publicKey: string;
  /** Highest version this device ever signed with. */
  readonly signature: SignatureVersion;
  readonly grants: readonly RoleGrant[];
  /** Epoch ms. */
  readonly createdAt: number;
  readonly approvedAt: number;
  readonly lastUsedAt?: number;
}

/** What a device asks to be allowed, or is allowed when the gateway grants it silently. */
export interface PairingClaim extends DeviceMetadata {
  readonly deviceId: DeviceId;
  readonly publicKey: string;
  readonly signature: SignatureVersion;
  readonly role: Role;
  readonly scopes: readonly string[];
}

/** A claim that waits for somebody with `operator.pairing`. */
export interface PairingRequest extends PairingClaim {
  readonly requestId: string;
  readonly reason: PairingReason;
  /** Epoch ms of the last time the device asked. */
  readonly requestedAt: number;
}

export const grantOf = (record: DeviceRecord, role: Role): RoleGrant | undefined =>
  record.grants.find((grant) => grant.role === role);

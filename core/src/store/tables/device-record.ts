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
  /** When the role was first granted, and what became of it since; epoch ms. */
  readonly createdAt?: number;
  readonly rotatedAt?: number;
  readonly revokedAt?: number;
  readonly lastUsedAt?: number;
  /** Older generations that may still work, see `activeGrace`. */
  readonly grace?: readonly GraceToken[];
}

/** A token generation that was replaced. */
export interface GraceToken {
  readonly generation: number;
  /** Epoch ms. */
  readonly replacedAt: number;
}

/** How long a replaced token works while its successor was not used yet, ms (wire protocol section 0, "Device tokens"). */
export const ROTATION_GRACE_MS: number = 10 * 60_000;

/** The older generations that work now. A clock that jumped away from the replacement, either way, ends the grace. */
export const activeGrace = (grant: Pick<RoleGrant, "grace">, now: number): readonly GraceToken[] =>
  (grant.grace ?? []).filter(({ replacedAt }) => Math.abs(now - replacedAt) < ROTATION_GRACE_MS);

/** Identity of a local operator that holds the shared secret and shows no device (wire protocol section 0, "No device"). */
export const LOCAL_OWNER = "local-owner";

/**
 * Who changes what devices may do. Every change takes one and is bounded by its scopes; there is no way around it, since an
 * optional guard is the one that is forgotten (CVE-2026-33579, https://github.com/advisories/GHSA-4jpw-hj22-2xmc).
 */
export interface Granter {
  /** A device id or `LOCAL_OWNER`. */
  readonly identity: string;
  readonly scopes: readonly string[];
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
  /** What the owner calls it, instead of `displayName`. */
  readonly name?: string;
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
  /** SHA-256 of what an approval would make true. Another content is another request with another id. */
  readonly digest: string;
  /** The device was paired when it asked. */
  readonly isRepair: boolean;
  /** Epoch ms of the last time the device asked. */
  readonly requestedAt: number;
}

export const grantOf = (record: DeviceRecord, role: Role): RoleGrant | undefined =>
  record.grants.find((grant) => grant.role === role);

/** How long a link's code is good, ms (issue 4, item 8). */
export const LINK_TTL_MS: number = 10 * 60_000;

/** A clock that jumped away from the link's making, either way, ends it. */
export const activeLink = (createdAt: number, now: number): boolean => Math.abs(now - createdAt) < LINK_TTL_MS;

import type { PairedDevice, PendingDevice } from "openclaw-host-schemas";
import {
  type DeviceMetadata,
  type DeviceRecord,
  type Granter,
  LOCAL_OWNER,
  type PairingRequest,
  type RoleGrant,
} from "../store/tables/device-record.ts";
import { PAIRING_REQUEST_TTL_MS } from "../store/tables/device-requests.ts";
import { isManager } from "./granter.ts";

const shownMetadata = ({ displayName, ...rest }: DeviceMetadata, name: string | undefined): DeviceMetadata => {
  const { platform, deviceFamily, clientId, clientMode, remoteIp } = rest;
  const shown = name ?? displayName;
  return {
    ...(shown === undefined ? {} : { displayName: shown }),
    ...(platform === undefined ? {} : { platform }),
    ...(deviceFamily === undefined ? {} : { deviceFamily }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientMode === undefined ? {} : { clientMode }),
    ...(remoteIp === undefined ? {} : { remoteIp }),
  };
};

/** A request in the words of the wire. */
export const shownRequest = (request: PairingRequest): PendingDevice => ({
  requestId: request.requestId,
  deviceId: request.deviceId,
  publicKey: request.publicKey,
  ...shownMetadata(request, undefined),
  role: request.role,
  roles: [request.role],
  scopes: [...request.scopes],
  reason: request.reason,
  digest: request.digest,
  silent: false,
  isRepair: request.isRepair,
  ts: request.requestedAt,
  expiresAtMs: request.requestedAt + PAIRING_REQUEST_TTL_MS,
});

/** Who looks, and whether a device is connected. */
export interface Viewer {
  readonly by: Granter;
  readonly isConnected: (identity: string) => boolean;
}

/** A record in the words of the wire, without secrets; its tokens are shown to itself and to admins only. */
export function shownDevice(record: DeviceRecord, { by, isConnected }: Viewer): PairedDevice {
  const live = record.grants.filter(({ revoked }) => !revoked);
  const roles = live.map(({ role }) => role);
  return {
    deviceId: record.deviceId,
    publicKey: record.publicKey,
    ...shownMetadata(record, record.name),
    role: roles.includes("operator") ? "operator" : (roles[0] ?? record.grants[0]?.role ?? "operator"),
    roles,
    scopes: [...new Set(live.flatMap(({ scopes }) => scopes))],
    createdAtMs: record.createdAt,
    approvedAtMs: record.approvedAt,
    ...(record.lastUsedAt === undefined ? {} : { lastSeenAtMs: record.lastUsedAt }),
    connected: isConnected(record.deviceId),
    ...(isManager(by, record.deviceId) ? { tokens: record.grants.map(shownToken) } : {}),
  };
}

const shownToken = (grant: RoleGrant): NonNullable<PairedDevice["tokens"]>[number] => ({
  role: grant.role,
  scopes: [...grant.scopes],
  createdAtMs: grant.createdAt ?? grant.issuedAt,
  ...(grant.rotatedAt === undefined ? {} : { rotatedAtMs: grant.rotatedAt }),
  ...(grant.revokedAt === undefined ? {} : { revokedAtMs: grant.revokedAt }),
  ...(grant.lastUsedAt === undefined ? {} : { lastUsedAtMs: grant.lastUsedAt }),
});

/** The built-in record of the gateway's own host (wire protocol section 0, "No device"). `since` is epoch ms. */
export const localOwnerRow = (
  scopes: readonly string[],
  { isConnected, since }: Pick<Viewer, "isConnected"> & { readonly since: number },
): PairedDevice => ({
  deviceId: LOCAL_OWNER,
  publicKey: "",
  displayName: "programs on this host with the shared secret",
  role: "operator",
  roles: ["operator"],
  scopes: [...scopes],
  createdAtMs: since,
  approvedAtMs: since,
  connected: isConnected(LOCAL_OWNER),
  builtIn: true,
});

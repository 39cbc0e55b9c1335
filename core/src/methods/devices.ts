import type { PairedDevice } from "openclaw-host-schemas";
import type { DeviceLinks } from "../auth/bootstrap.ts";
import type { Caller } from "../auth/caller.ts";
import { localOwnerRow, shownDevice, shownRequest } from "../auth/device-view.ts";
import type { Devices } from "../auth/devices.ts";
import type { DeviceTokens } from "../auth/tokens.ts";
import { type DeviceRecord, type Role, type RoleGrant, grantOf } from "../store/tables/device-record.ts";
import type { HandlersFor } from "./handler.ts";

/** What a link gives an operator when nobody says it: reading and talking. */
const LINK_SCOPES = ["operator.read", "operator.write"] as const;

export interface DeviceMethodsParts {
  readonly devices: Devices;
  readonly links: DeviceLinks;
  readonly tokens: Pick<DeviceTokens, "tokenFor">;
  readonly isConnected: (identity: string) => boolean;
  /** `gateway.auth.localOwner.scopes`; empty when it is off. */
  readonly localOwnerScopes: readonly string[];
  /** `gateway.publicUrl`. */
  readonly publicUrl?: string;
  /** When the gateway started, epoch ms. */
  readonly startedAt: number;
}

type Names = `device.pair.${"list" | "approve" | "reject" | "remove"}` | `device.token.${"rotate" | "revoke"}`;

/** Paired devices (wire protocol 5.6). Who may do what is decided in `auth/devices.ts` and in its transactions, not here. */
export function deviceMethods(parts: DeviceMethodsParts): HandlersFor<Names | "devices.link.create"> {
  const { devices, links, tokens, isConnected, publicUrl } = parts;
  const shown = (record: DeviceRecord, by: Caller): PairedDevice => shownDevice(record, { by, isConnected });
  return {
    async "device.pair.list"(_params, { caller }) {
      const pending = await devices.requests();
      const paired = devices.list().toSorted((a, b) => b.approvedAt - a.approvedAt);
      return {
        pending: pending.map(shownRequest),
        paired: [...ownerRows(parts), ...paired.map((row) => shown(row, caller))],
      };
    },
    async "device.pair.approve"({ requestId }, { caller }) {
      return { requestId, device: shown(await devices.approve(requestId, caller), caller) };
    },
    async "device.pair.reject"({ requestId }, { caller }) {
      return { requestId, deviceId: await devices.reject(requestId, caller) };
    },
    async "device.pair.remove"({ deviceId }, { caller }) {
      await devices.remove(deviceId, caller);
      return { deviceId };
    },
    async "device.token.rotate"({ deviceId, role, scopes, now = false }, { caller }) {
      const wanted = { deviceId, role, now, ...(scopes === undefined ? {} : { scopes: [...new Set(scopes)] }) };
      const {
        generation,
        issuedAt: rotatedAtMs,
        scopes: kept,
      } = requireGrant(await devices.rotate(wanted, caller), role);
      const isTold = caller.identity === deviceId || caller.protocol === 3;
      const token = isTold ? { token: tokens.tokenFor({ deviceId, role, generation }) } : {};
      return { deviceId, role, ...token, scopes: [...kept], rotatedAtMs };
    },
    async "device.token.revoke"({ deviceId, role }, { caller }) {
      const grant = requireGrant(await devices.revoke({ deviceId, role }, caller), role);
      return { deviceId, role, revokedAtMs: grant.revokedAt ?? grant.issuedAt };
    },
    async "devices.link.create"({ role = "operator", scopes = role === "operator" ? LINK_SCOPES : [] }, { caller }) {
      const { code, expiresAt, ...given } = await links.create({ role, scopes: [...new Set(scopes)] }, caller);
      const address = publicUrl === undefined ? {} : { publicUrl };
      return { code, role: given.role, scopes: [...given.scopes], expiresAtMs: expiresAt, ...address };
    },
  };
}

function ownerRows({ localOwnerScopes, isConnected, startedAt }: DeviceMethodsParts): readonly PairedDevice[] {
  if (localOwnerScopes.length === 0) return [];
  return [localOwnerRow(localOwnerScopes, { isConnected, since: startedAt })];
}

function requireGrant(record: DeviceRecord, role: Role): RoleGrant {
  const grant = grantOf(record, role);
  if (grant === undefined) throw new Error(`device ${record.deviceId} lost its role ${role} while it was changed`);
  return grant;
}

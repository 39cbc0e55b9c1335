import { scopeCovers } from "openclaw-host-schemas";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { Granter } from "../store/tables/device-record.ts";

/** True when the caller may see and change what belongs to this device: it is the device itself, or an admin. */
export const isManager = (by: Granter, deviceId: string): boolean =>
  by.identity === deviceId || scopeCovers(by.scopes, "operator.admin");

/**
 * Devices belong to themselves and to admins: `operator.pairing` decides on requests and changes no other device
 * (https://github.com/advisories/GHSA-xrq9-jm7v-g9h7). The refusal reads as if there were no such device.
 *
 * @throws WireError
 */
export function requireManager(by: Granter, deviceId: string, text: string): void {
  if (!isManager(by, deviceId)) throw invalidRequest(text);
}

/** The refusal of a caller that would grant more than it has (wire protocol 11.4). */
export const missingScope = (scope: string): WireError =>
  new WireError("FORBIDDEN", `missing scope: ${scope}`, {
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  });

import { scopeCovers } from "openclaw-host-schemas";
import { WireError } from "../base/wire-error.ts";
import type { Granter } from "../store/tables/device-record.ts";

/** True when the caller may see what belongs to this device: it is the device itself, or an admin. */
export const isManager = (by: Granter, deviceId: string): boolean =>
  by.identity === deviceId || scopeCovers(by.scopes, "operator.admin");

/** The refusal of a caller that would grant more than it has (wire protocol 11.4). */
export const missingScope = (scope: string): WireError =>
  new WireError("FORBIDDEN", `missing scope: ${scope}`, {
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  });

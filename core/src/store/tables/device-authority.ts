import { scopeCovers } from "openclaw-host-schemas";
import type { Tx } from "../tx.ts";
import { findGrant } from "./device-grants.ts";
import { type Granter, LOCAL_OWNER } from "./device-record.ts";

/**
 * What a caller may do now: the scopes of its session, as far as its record still grants them. Requests of a device may be on
 * their way while it is revoked or narrowed, and what they would give away would outlive it.
 */
function authorityOf(tx: Tx, { identity, scopes }: Granter): readonly string[] {
  if (identity === LOCAL_OWNER) return scopes;
  const grant = findGrant(tx, { deviceId: identity, role: "operator" });
  return grant === undefined || grant.revoked ? [] : scopes.filter((scope) => scopeCovers(grant.scopes, scope));
}

/** The first scope that the caller lacks to give these away; giving takes `operator.pairing`, too. */
export function missingToGive(tx: Tx, by: Granter, scopes: readonly string[]): string | undefined {
  const held = authorityOf(tx, by);
  return [...scopes, "operator.pairing"].find((scope) => !scopeCovers(held, scope));
}

/**
 * Whether the caller may change this device. Devices belong to themselves and to admins: `operator.pairing` decides on requests
 * and changes no other device (https://github.com/advisories/GHSA-xrq9-jm7v-g9h7).
 */
export const mayManage = (tx: Tx, by: Granter, deviceId: string): boolean =>
  missingToGive(tx, by, by.identity === deviceId ? [] : ["operator.admin"]) === undefined;

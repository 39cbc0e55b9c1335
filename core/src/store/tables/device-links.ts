import type { Row, Tx } from "../tx.ts";
import { appendAudit } from "./audit.ts";
import { missingToGive } from "./device-authority.ts";
import { findGrant, grantClaim, requireDevice } from "./device-grants.ts";
import { type DeviceRecord, type Granter, type PairingClaim, type Role, activeLink } from "./device-record.ts";

/** Open links of one maker and of all; whoever makes more loses the oldest of their own. */
const MAX_PER_MAKER = 5;
const MAX_OPEN = 50;

interface CreateArgs {
  /** SHA-256 of the code. */
  readonly codeHash: string;
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly by: Granter;
  readonly at: number;
}

interface RedeemArgs {
  readonly codeHash: string;
  /** The device that shows the code; what it asks for does not widen what the link gives. */
  readonly claim: PairingClaim;
  readonly at: number;
}

/** `beyond`: the maker lacks this scope. `full`: too many links of others wait. */
export type LinkOutcome =
  | { readonly state: "created" }
  | { readonly state: "beyond"; readonly missing: string }
  | { readonly state: "full" };

/** `again`: the device had used the code before, and nothing was done now. */
export interface Redemption {
  readonly state: "paired" | "again";
  readonly record: DeviceRecord;
}

export const deviceLinksCommands = {
  /** Keeps the hash of a code. Its maker's scopes must cover what it gives. */
  "links.create": (tx: Tx, { codeHash, role, scopes, by, at }: CreateArgs): LinkOutcome => {
    const missing = missingToGive(tx, by, scopes);
    if (missing !== undefined) return { state: "beyond", missing };
    expire(tx, at);
    tx.run(
      `DELETE FROM device_links WHERE code_hash IN (SELECT code_hash FROM device_links WHERE created_by = ?
         ORDER BY rowid DESC LIMIT -1 OFFSET ${MAX_PER_MAKER - 1})`,
      by.identity,
    );
    if (tx.all("SELECT 1 FROM device_links").length >= MAX_OPEN) return { state: "full" };
    tx.run(
      "INSERT INTO device_links (code_hash, role, scopes, created_by, created_at) VALUES (?, ?, ?, ?, ?)",
      codeHash,
      role,
      JSON.stringify(scopes),
      by.identity,
      at,
    );
    appendAudit(tx, at, [{ action: "linked", actor: by.identity, role, scopes }]);
    return { state: "created" };
  },

  /**
   * Uses the code up and pairs the device with exactly the link's role and scopes, together. A device whose answer was lost may
   * show its code again, as long as the link would have been good, the role was not revoked and it says the same of itself. Undefined when the code is unknown, too old,
   * used by another device, or for another role.
   */
  "links.redeem": (tx: Tx, { codeHash, claim, at }: RedeemArgs): Redemption | undefined => {
    expire(tx, at);
    const row = tx.get("SELECT * FROM device_links WHERE code_hash = ?", codeHash);
    if (row === undefined || row["role"] !== claim.role) return undefined;
    if (row["used_by"] !== null) return row["used_by"] === claim.deviceId ? stillGranted(tx, claim) : undefined;
    const scopes = scopesOf(row);
    tx.run("UPDATE device_links SET used_by = ? WHERE code_hash = ?", claim.deviceId, codeHash);
    const known = tx.get("SELECT 1 FROM devices WHERE device_id = ?", claim.deviceId) !== undefined;
    const given = { ...claim, scopes };
    // Whoever hands over a link vouches for the device as it is now.
    if (known) grantClaim(tx, { claim: given, reason: "metadata-upgrade", at });
    const record = grantClaim(tx, { claim: given, reason: "not-paired", at });
    const { deviceId: subject, role, displayName } = claim;
    const named = displayName === undefined ? {} : { name: displayName };
    const actor = String(row["created_by"]);
    appendAudit(tx, at, [{ action: "paired", actor, subject, role, scopes, reason: "link", ...named }]);
    return { state: "paired", record };
  },
};

/** Links die with what their maker may do, and the one a device used with what it was given. */
export function forgetLinksOf(tx: Tx, identity: string): void {
  tx.run("DELETE FROM device_links WHERE created_by = ?1 OR used_by = ?1", identity);
}

function expire(tx: Tx, at: number): void {
  for (const row of tx.all("SELECT code_hash, created_at FROM device_links")) {
    if (activeLink(Number(row["created_at"]), at)) continue;
    tx.run("DELETE FROM device_links WHERE code_hash = ?", String(row["code_hash"]));
  }
}

/** The same device as when it used the code: what it is pinned to is not changed by showing the code again. */
function stillGranted(tx: Tx, claim: PairingClaim): Redemption | undefined {
  const grant = findGrant(tx, claim);
  if (grant === undefined || grant.revoked) return undefined;
  const record = requireDevice(tx, claim.deviceId);
  const isSame = record.platform === claim.platform && record.deviceFamily === claim.deviceFamily;
  return isSame ? { state: "again", record } : undefined;
}

const scopesOf = (row: Row): string[] => JSON.parse(String(row["scopes"])) as string[];

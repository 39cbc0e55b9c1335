import { scopeCovers } from "openclaw-host-schemas";
import type { Logger } from "../base/log.ts";
import { type DeviceRecord, type PairingClaim, type RoleGrant, grantOf } from "../store/tables/device-record.ts";
import type { Decision, Session } from "./decide.ts";
import type { Devices } from "./devices.ts";
import type { Refusal } from "./refusal.ts";

/** A session that the records allow by now, or the refusal. */
export type Enrolled = { readonly session: Session } | { readonly refusal: Refusal };

/** The decisions on a `connect` that must be on disk before the client hears of them. All reject with `StoreError`. */
export interface Enrolment {
  /** Grants what the gateway's own rules allow. */
  approve(decision: Extract<Decision, { kind: "approve" }>): Promise<Enrolled>;
  /** Uses up a link's code. */
  redeem(decision: Extract<Decision, { kind: "redeem" }>): Promise<Enrolled>;
  /** Leaves the claim to somebody with `operator.pairing`. */
  ask(decision: Extract<Decision, { kind: "pair" }>): Promise<Enrolled>;
  /** The first use of a new token: from then on the older one never works again. */
  settle(session: Session, generation: number): Promise<Enrolled>;
}

const unauthorized = (reason: "bootstrap_token_invalid" | "device_token_mismatch"): Enrolled => ({
  refusal: { kind: "unauthorized", reason, canUseDeviceToken: false },
});

/** Scopes that the grant lacks were withdrawn while the connect was decided. */
const kept = (scopes: readonly string[], grant: RoleGrant): readonly string[] =>
  scopes.filter((scope) => scopeCovers(grant.scopes, scope));

export function createEnrolment({ devices, log }: { readonly devices: Devices; readonly log: Logger }): Enrolment {
  function paired(claim: PairingClaim, record: DeviceRecord, local: boolean): Enrolled {
    const { deviceId: identity, role } = claim;
    const grant = grantOf(record, role);
    if (grant === undefined) throw new Error(`no grant for ${role} after pairing device ${identity}`);
    log.info("paired a device, or widened what it may do", { device: identity, client: claim.clientId, role });
    return { session: { role, scopes: kept(claim.scopes, grant), identity, local, grant } };
  }

  return {
    async approve({ claim, reasons, local }) {
      return paired(claim, await devices.pair(claim, reasons), local);
    },
    async redeem({ claim, codeHash, local }) {
      const record = await devices.redeem(claim, codeHash);
      return record === undefined ? unauthorized("bootstrap_token_invalid") : paired(claim, record, local);
    },
    async ask({ claim, reason, local }) {
      const { requestId } = await devices.request(claim, { reason, local });
      log.info("a device waits to be paired", { device: claim.deviceId, client: claim.clientId, reason, requestId });
      return { refusal: { kind: "pairing", reason, requestId } };
    },
    async settle(session, generation) {
      const { identity: deviceId, role } = session;
      const record = await devices.settle({ deviceId, role, generation });
      const grant = record && grantOf(record, role);
      if (grant === undefined) return unauthorized("device_token_mismatch");
      return { session: { ...session, scopes: kept(session.scopes, grant), grant } };
    },
  };
}

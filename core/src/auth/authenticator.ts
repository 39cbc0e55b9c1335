import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type DeviceRecord, type PairingClaim, type PairingReason, grantOf } from "../store/tables/device-record.ts";
import { type AuthPolicy, type ConnectAttempt, type Session, decide } from "./decide.ts";
import type { Devices } from "./devices.ts";
import type { Refusal } from "./refusal.ts";

/** A session and the token its device may use instead of the shared secret next time. */
export interface Admission {
  readonly ok: true;
  readonly session: Session;
  /** Absent when no device signed. */
  readonly deviceToken?: string;
}

export type Verdict = Admission | { readonly ok: false; readonly refusal: Refusal };

export interface Authenticator {
  /** Answers at once for known devices; a promise only when something must be stored first. Never rejects. */
  authenticate(attempt: Omit<ConnectAttempt, "now">): Verdict | Promise<Verdict>;
}

export interface AuthenticatorParts {
  readonly policy: AuthPolicy;
  readonly devices: Devices;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Carries out what `decide` decided. */
export function createAuthenticator({ policy, devices, clock, log }: AuthenticatorParts): Authenticator {
  function admit(session: Session): Admission {
    if (session.grant === undefined) return { ok: true, session };
    const { generation, role } = session.grant;
    return { ok: true, session, deviceToken: policy.tokens.tokenFor({ deviceId: session.identity, role, generation }) };
  }

  async function approve(claim: PairingClaim, known: DeviceRecord | undefined): Promise<Verdict> {
    const record = await devices.approve(claim);
    const grant = grantOf(record, claim.role);
    if (grant === undefined) throw new Error(`no grant for ${claim.role} after approving device ${claim.deviceId}`);
    log.info(known === undefined ? "paired a local device" : "widened what a local device may do", {
      device: claim.deviceId,
      client: claim.clientId,
      role: claim.role,
      scopes: claim.scopes,
    });
    return admit({ role: claim.role, scopes: claim.scopes, identity: claim.deviceId, local: true, grant });
  }

  async function askForPairing(claim: PairingClaim, reason: PairingReason): Promise<Verdict> {
    const requestId = await devices.request(claim, reason);
    log.info("a device waits to be paired", { device: claim.deviceId, client: claim.clientId, reason, requestId });
    return { ok: false, refusal: { kind: "pairing", reason, requestId } };
  }

  async function orUnavailable(verdict: Promise<Verdict>): Promise<Verdict> {
    try {
      return await verdict;
    } catch (error) {
      log.error("could not store what a connecting device needs", { error });
      return { ok: false, refusal: { kind: "unavailable" } };
    }
  }

  return {
    authenticate(attempt) {
      const claimed = attempt.params.device?.id;
      const known = claimed === undefined ? undefined : devices.get(claimed);
      const decision = decide({ ...attempt, now: clock.now() }, policy, known);
      switch (decision.kind) {
        case "refuse":
          return { ok: false, refusal: decision.refusal };
        case "session":
          if (decision.seen !== undefined) devices.noteUse(decision.seen);
          return admit(decision.session);
        case "approve":
          return orUnavailable(approve(decision.claim, known));
        case "pair":
          return orUnavailable(askForPairing(decision.claim, decision.reason));
      }
    },
  };
}

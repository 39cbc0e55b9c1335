import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { type AuthPolicy, type ConnectAttempt, type Decision, type Session, decide } from "./decide.ts";
import type { Devices } from "./devices.ts";
import { type Enrolled, createEnrolment } from "./enrolment.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { Refusal } from "./refusal.ts";
import { throttle } from "./throttle.ts";
import type { DeviceTokens } from "./tokens.ts";
import type { TailnetClaim, Vouched } from "./vouched.ts";

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
  readonly limiter: RateLimiter;
  /** Asks the local Tailscale daemon who is at an address; for mode `tailscale`. Never rejects. */
  readonly whois?: (claim: TailnetClaim) => Promise<Vouched>;
  readonly clock: Clock;
  readonly log: Logger;
}

type Attempt = Omit<ConnectAttempt, "now">;

/** Carries out what `decide` decided. */
export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { policy, devices, limiter, whois, clock, log } = parts;
  const enrolment = createEnrolment({ devices, log });
  /** What must be stored first. */
  async function enrol(attempt: Attempt, enrolled: Promise<Enrolled>): Promise<Verdict> {
    try {
      const outcome = await enrolled;
      if ("session" in outcome) return admitted(policy.tokens, outcome.session);
      const { refusal } = outcome;
      // A wrong code counts as a guess, as every wrong credential does.
      return refusal.kind === "unauthorized" ? carryOut(attempt, { kind: "refuse", refusal }) : { ok: false, refusal };
    } catch (error) {
      log.error("could not store what a connecting device needs", { error });
      return { ok: false, refusal: { kind: "unavailable" } };
    }
  }

  function carryOut(attempt: Attempt, decided: Decision): Verdict | Promise<Verdict> {
    const { localTrust } = policy;
    const decision = throttle(decided, attempt, { limiter, localTrust });
    switch (decision.kind) {
      case "refuse":
        if (decision.refusal.kind === "rate-limited") {
          log.warn("locked out after wrong credentials", { peer: attempt.peer.address });
        }
        return { ok: false, refusal: decision.refusal };
      case "session":
        if (decision.seen !== undefined) devices.noteUse(decision.seen);
        if (decision.settles === undefined) return admitted(policy.tokens, decision.session);
        return enrol(attempt, enrolment.settle(decision.session, decision.settles));
      case "approve":
        return enrol(attempt, enrolment.approve(decision));
      case "redeem":
        return enrol(attempt, enrolment.redeem(decision));
      case "pair":
        return enrol(attempt, enrolment.ask(decision));
    }
  }

  const decideOn = (attempt: Attempt): Decision =>
    decide({ ...attempt, now: clock.now() }, policy, devices.get(attempt.params.device?.id ?? ""));

  /** The same attempt once more, with the daemon's answer. */
  async function askTailnet(attempt: Attempt, ask: Promise<Vouched>): Promise<Verdict> {
    const answered = { ...attempt, peer: { ...attempt.peer, vouched: await ask } };
    return carryOut(answered, decideOn(answered));
  }

  return {
    authenticate(attempt) {
      const decision = decideOn(attempt);
      const { vouched } = attempt.peer;
      // Whoever proved itself otherwise, or failed before, costs no question.
      if (whois === undefined || vouched?.is !== "ask" || !isUnasked(decision)) return carryOut(attempt, decision);
      return askTailnet(attempt, whois(vouched.claim));
    },
  };
}

/** A session with the token that its device may use next time; it is the same one as long as its generation lasts. */
function admitted(tokens: DeviceTokens, session: Session): Admission {
  if (session.grant === undefined) return { ok: true, session };
  const { generation, role } = session.grant;
  return { ok: true, session, deviceToken: tokens.tokenFor({ deviceId: session.identity, role, generation }) };
}

const isUnasked = (decision: Decision): boolean =>
  decision.kind === "refuse" &&
  decision.refusal.kind === "unauthorized" &&
  decision.refusal.reason === "tailscale_whois_failed";

import type { ConnectParams } from "openclaw-host-schemas";
import type { Decision, ProofKind } from "./decide.ts";
import { type PeerFacts, isLocalPeer } from "./local-trust.ts";
import { isBrowserClient } from "./origin.ts";
import type { Guesser, GuessScope, RateLimiter } from "./rate-limit.ts";
import type { UnauthorizedReason } from "./refusal.ts";

export interface Throttled {
  readonly params: ConnectParams;
  readonly peer: PeerFacts;
}

/**
 * Counts a decision, and replaces it when its sender is locked out: then the answer is the same for right and wrong secrets.
 * A device that shows its own valid token is never locked out, whatever came from its address: who guesses that needs the
 * device's key besides, so strangers cannot lock the owner out. Nor is the owner's code, which nobody guesses.
 */
export function throttle(
  decision: Decision,
  { params, peer }: Throttled,
  { limiter, localTrust }: { readonly limiter: RateLimiter; readonly localTrust: "on" | "off" },
): Decision {
  if (!dependsOnCredentials(decision)) return decision;
  const guesser: Guesser = {
    address: peer.address,
    isPage: peer.origin !== undefined || isBrowserClient(params.client),
    isLocal: isLocalPeer(peer, localTrust),
  };
  if (decision.kind !== "refuse" && decision.by === "device-token") {
    limiter.succeeded("device-token", guesser);
    return decision;
  }
  if (isOwnerCode(decision)) return decision;
  const retryAfterMs = Math.max(0, ...presented(params, peer).map((scope) => limiter.lockedFor(scope, guesser)));
  if (retryAfterMs > 0) return { kind: "refuse", refusal: { kind: "rate-limited", retryAfterMs } };
  count(decision, { params, guesser }, limiter);
  return decision;
}

/** A code of a link is redeemed instead, and decided on later. */
const isOwnerCode = (decision: Decision): boolean => decision.kind === "approve" && decision.by === "bootstrap";

/** Whether the answer would tell a guesser if the guess was right. */
const dependsOnCredentials = (decision: Decision): boolean =>
  decision.kind !== "refuse" || decision.refusal.kind === "unauthorized" || decision.refusal.kind === "device-required";

function presented({ auth = {} }: ConnectParams, { vouched }: PeerFacts): readonly GuessScope[] {
  const scopes: GuessScope[] = [];
  if (auth.token !== undefined || auth.password !== undefined) scopes.push("shared-secret");
  else if (auth.deviceToken !== undefined) scopes.push("device-token");
  if (auth.bootstrapToken !== undefined) scopes.push("bootstrap");
  if (vouched?.is === "fault" && vouched.reason.startsWith("proxy_")) scopes.push("proxy");
  return scopes;
}

const GUESSED_WRONG: Partial<Record<UnauthorizedReason, GuessScope>> = {
  token_mismatch: "shared-secret",
  password_mismatch: "shared-secret",
  device_token_mismatch: "device-token",
  proxy_secret_mismatch: "proxy",
  bootstrap_token_invalid: "bootstrap",
};

const PROVEN: Partial<Record<ProofKind, GuessScope>> = {
  secret: "shared-secret",
  proxy: "proxy",
};

function count(
  decision: Decision,
  { params, guesser }: { readonly params: ConnectParams; readonly guesser: Guesser },
  limiter: RateLimiter,
): void {
  if (decision.kind !== "refuse") {
    const scope = PROVEN[decision.by];
    if (scope !== undefined) limiter.succeeded(scope, guesser);
  } else if (decision.refusal.kind === "unauthorized") {
    const guessed = GUESSED_WRONG[decision.refusal.reason];
    // What stands in the shared token's field was tried as the shared token, whatever else it was meant to be.
    const scope = guessed === "device-token" && params.auth?.token !== undefined ? "shared-secret" : guessed;
    if (scope !== undefined) limiter.failed(scope, guesser);
  }
}

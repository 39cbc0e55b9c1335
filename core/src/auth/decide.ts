import { type ConnectParams, type DeviceProof, OPERATOR_SCOPES, scopeCovers, scopesCover } from "openclaw-host-schemas";
import { deviceId } from "../base/brand.ts";
import {
  type DeviceRecord,
  type PairingClaim,
  type PairingReason,
  type Role,
  type RoleGrant,
  grantOf,
} from "../store/tables/device-record.ts";
import { type DeviceVerdict, normaliseClaim, verifyDevice } from "./device.ts";
import { type PeerFacts, canonicalAddress, isLocalPeer, isLoopbackAddress } from "./local-trust.ts";
import { type OriginPolicy, originFault } from "./origin.ts";
import type { Refusal, UnauthorizedReason } from "./refusal.ts";
import type { AuthMode, SecretCheck, SecretFault } from "./shared-secret.ts";
import type { DeviceTokens } from "./tokens.ts";

/** Identity of a local operator that holds the shared secret and shows no device (wire protocol section 0, "No device"). */
export const LOCAL_OWNER = "local-owner";

/** How the gateway is set up; nothing here changes while it runs. */
export interface AuthPolicy {
  readonly mode: AuthMode["mode"];
  readonly checkSecret: SecretCheck;
  readonly tokens: DeviceTokens;
  readonly localTrust: "on" | "off";
  /** What `local-owner` may be granted; empty turns it off. */
  readonly localOwnerScopes: readonly string[];
  readonly origins: OriginPolicy;
}

/** One `connect` whose params are valid. */
export interface ConnectAttempt {
  readonly params: ConnectParams;
  readonly peer: PeerFacts;
  /** The challenge of this connection. */
  readonly nonce: string;
  /** Epoch ms. */
  readonly now: number;
}

/** Who the other side is and what it may do, from the server's records alone. */
export interface Session {
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly identity: string;
  readonly local: boolean;
  /** Set when a device signed. */
  readonly grant?: RoleGrant;
}

export type Decision =
  | { readonly kind: "session"; readonly session: Session; readonly seen?: PairingClaim }
  /** The claim is granted, and must be on disk before the client hears of it. */
  | { readonly kind: "approve"; readonly claim: PairingClaim; readonly local: true }
  /** The claim must be recorded for somebody to decide; the client is refused with the request's id. */
  | { readonly kind: "pair"; readonly claim: PairingClaim; readonly reason: PairingReason }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

type Proof = { readonly by: "secret" | "nothing-needed" } | { readonly by: "device-token"; readonly grant: RoleGrant };

const refuse = (refusal: Refusal): Decision => ({ kind: "refuse", refusal });

/**
 * Decides on a `connect` in the order of wire protocol 2.5, as section 0 there changes it. Pure: the same attempt, policy
 * and records give the same decision. `record` is that of the device id the client claims.
 */
export function decide(attempt: ConnectAttempt, policy: AuthPolicy, record: DeviceRecord | undefined): Decision {
  const { params, peer } = attempt;
  const role = params.role ?? "operator";
  if (role !== "operator" && role !== "node") return refuse({ kind: "role" });
  const fault = originFault(peer, params.client, policy.origins);
  if (fault !== undefined) return refuse({ kind: "origin", fault });
  const local = isLocalPeer(peer, policy.localTrust);
  if (params.device === undefined) return decideWithoutDevice(attempt, policy, { role, local });
  return decideWithDevice({ ...attempt, device: params.device, role, local }, policy, record);
}

/** Only a local operator with the shared secret may come without a device (wire protocol section 0, "No device"). */
function decideWithoutDevice(
  { params }: ConnectAttempt,
  policy: AuthPolicy,
  { role, local }: { readonly role: Role; readonly local: boolean },
): Decision {
  if (params.client.id === "openclaw-control-ui") return refuse({ kind: "control-ui-device-required" });
  const { auth = {} } = params;
  const verdict = policy.checkSecret(auth);
  if (!verdict.ok && (auth.token !== undefined || auth.password !== undefined))
    return unauthorized(verdict.reason, params);
  const owner = policy.localOwnerScopes;
  const trusted = verdict.ok && policy.mode !== "none" && role === "operator" && local && owner.length > 0;
  if (!trusted) return refuse({ kind: "device-required" });
  const scopes = knownScopes(params).filter((scope) => scopeCovers(owner, scope));
  return { kind: "session", session: { role, scopes, identity: LOCAL_OWNER, local } };
}

interface DeviceAttempt extends ConnectAttempt {
  readonly device: DeviceProof;
  readonly role: Role;
  readonly local: boolean;
}

function decideWithDevice(attempt: DeviceAttempt, policy: AuthPolicy, record: DeviceRecord | undefined): Decision {
  const { params, device, nonce, now } = attempt;
  const verdict = verifyDevice(params, device, { nonce, now, acceptV2: record?.signature !== "v3" });
  if (!verdict.ok) return refuse({ kind: "device", fault: verdict.fault });
  const known = record?.publicKey === verdict.publicKey ? record : undefined;
  const scopes = attempt.role === "operator" ? knownScopes(params) : [];
  const proof = proofOf(attempt, policy, { known, scopes });
  if (typeof proof === "string") return unauthorized(proof, params);
  const claim = claimOf(attempt, verdict, scopes);
  const missing = pairingReason(claim, known);
  if (missing !== undefined) return decidePairing(claim, missing, attempt.local);
  const grant = proof.by === "device-token" ? proof.grant : known && grantOf(known, attempt.role);
  // With the shared secret a revoked device gets a new generation, which must be on disk first.
  if (grant === undefined || grant.revoked) return decidePairing(claim, "not-paired", attempt.local);
  const session = { role: attempt.role, scopes, identity: verdict.deviceId, local: attempt.local, grant };
  return { kind: "session", session, seen: claim };
}

/** What proves that the client may talk to this gateway, or why nothing does (wire protocol section 0, "Auth proof"). */
function proofOf(
  { params, role }: DeviceAttempt,
  policy: AuthPolicy,
  { known, scopes }: { readonly known: DeviceRecord | undefined; readonly scopes: readonly string[] },
): Proof | UnauthorizedReason {
  const verdict = policy.checkSecret(params.auth ?? {});
  if (verdict.ok) return { by: policy.mode === "none" ? "nothing-needed" : "secret" };
  const grant = known && grantOf(known, role);
  const spends = (token: string | undefined): token is string =>
    token !== undefined &&
    grant !== undefined &&
    !grant.revoked &&
    policy.tokens.matches({ deviceId: known?.deviceId ?? "", role, generation: grant.generation }, token) &&
    scopesCover(grant.scopes, scopes);
  const { token, deviceToken } = params.auth ?? {};
  // A presented shared token must match (the seed); only a client that sends none may rely on `deviceToken`.
  const presented = token ?? deviceToken;
  if (spends(presented) && grant !== undefined) return { by: "device-token", grant };
  return token === undefined && deviceToken !== undefined ? "device_token_mismatch" : verdict.reason;
}

function unauthorized(reason: SecretFault | UnauthorizedReason, params: ConnectParams): Decision {
  const canUseDeviceToken =
    params.device !== undefined && params.auth?.deviceToken === undefined && reason.endsWith("_mismatch");
  return refuse({ kind: "unauthorized", reason, canUseDeviceToken });
}

/** Why the records do not allow the claim yet; several reasons are met one after the other (wire protocol 8.2). */
function pairingReason(claim: PairingClaim, known: DeviceRecord | undefined): PairingReason | undefined {
  if (known === undefined) return "not-paired";
  if (isChanged(known.platform, claim.platform) || isChanged(known.deviceFamily, claim.deviceFamily)) {
    return "metadata-upgrade";
  }
  const grant = grantOf(known, claim.role);
  if (grant === undefined) return "role-upgrade";
  return scopesCover(grant.scopes, claim.scopes) ? undefined : "scope-upgrade";
}

const isChanged = (pinned: string | undefined, claimed: string | undefined): boolean =>
  normaliseClaim(pinned) !== "" && normaliseClaim(pinned) !== normaliseClaim(claimed);

/** A local client may introduce a device and widen its scopes by itself; what it is pinned to needs a person. */
function decidePairing(claim: PairingClaim, reason: PairingReason, local: boolean): Decision {
  const silent = local && (reason === "not-paired" || reason === "scope-upgrade");
  return silent ? { kind: "approve", claim, local } : { kind: "pair", claim, reason };
}

/** Requested scopes without repeats and without names this gateway does not know. */
function knownScopes(params: ConnectParams): readonly string[] {
  const known: readonly string[] = OPERATOR_SCOPES;
  return [...new Set(params.scopes)].filter((scope) => known.includes(scope));
}

function claimOf(
  { params, peer, role }: DeviceAttempt,
  proof: Extract<DeviceVerdict, { readonly ok: true }>,
  scopes: readonly string[],
): PairingClaim {
  const { client } = params;
  return {
    deviceId: deviceId(proof.deviceId),
    publicKey: proof.publicKey,
    signature: proof.signature,
    role,
    scopes,
    platform: client.platform,
    clientId: client.id,
    clientMode: client.mode,
    ...(client.displayName === undefined ? {} : { displayName: client.displayName }),
    ...(client.deviceFamily === undefined ? {} : { deviceFamily: client.deviceFamily }),
    ...(isLoopbackAddress(peer.address) ? {} : { remoteIp: canonicalAddress(peer.address) }),
  };
}

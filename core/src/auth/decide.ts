import { type ConnectParams, type DeviceProof, OPERATOR_SCOPES, scopeCovers, scopesCover } from "openclaw-host-schemas";
import { deviceId } from "../base/brand.ts";
import {
  LOCAL_OWNER,
  type DeviceRecord,
  type PairingClaim,
  type PairingReason,
  type Role,
  type RoleGrant,
  activeGrace,
  grantOf,
} from "../store/tables/device-record.ts";
import { type DeviceVerdict, normaliseClaim, verifyDevice } from "./device.ts";
import { isLoopbackAddress } from "./addresses.ts";
import { type PeerFacts, isLocalPeer } from "./local-trust.ts";
import { type OriginPolicy, originFault } from "./origin.ts";
import { type SharedPolicy, type SharedProof, sharedProof } from "./proof.ts";
import type { Refusal, UnauthorizedReason } from "./refusal.ts";
import { bootstrapHash } from "./bootstrap.ts";
import { type DeviceTokens, presentedGeneration } from "./tokens.ts";

/** How the gateway is set up; nothing here changes while it runs. */
export interface AuthPolicy extends SharedPolicy {
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
  /** `settles`: this generation of the token was used while older ones still work; that they end must be on disk first. */
  | {
      readonly kind: "session";
      readonly by: ProofKind;
      readonly session: Session;
      readonly seen?: PairingClaim;
      readonly settles?: number;
    }
  /** The claim is granted for these reasons, and must be on disk before the client hears of it. */
  | {
      readonly kind: "approve";
      readonly by: ProofKind;
      readonly claim: PairingClaim;
      readonly reasons: readonly PairingReason[];
      readonly local: boolean;
    }
  /** A link's code says what is granted, if it is a good one. */
  | {
      readonly kind: "redeem";
      readonly by: "bootstrap";
      readonly claim: PairingClaim;
      readonly codeHash: string;
      readonly local: boolean;
    }
  /** The claim must be recorded for somebody to decide; the client is refused with the request's id. */
  | {
      readonly kind: "pair";
      readonly by: ProofKind;
      readonly claim: PairingClaim;
      readonly reason: PairingReason;
      readonly local: boolean;
    }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/** What let the client talk to the gateway. */
export type ProofKind = SharedProof | "device-token" | "bootstrap";

type Proof = { readonly by: SharedProof } | { readonly by: "device-token"; readonly generation: number };

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
  { params, peer }: ConnectAttempt,
  policy: AuthPolicy,
  { role, local }: { readonly role: Role; readonly local: boolean },
): Decision {
  if (params.client.id === "openclaw-control-ui") return refuse({ kind: "control-ui-device-required" });
  const { auth = {} } = params;
  const verdict = sharedProof(params, peer, policy);
  if (!verdict.ok && (auth.token !== undefined || auth.password !== undefined))
    return unauthorized(verdict.reason, params);
  const owner = policy.localOwnerScopes;
  const trusted = verdict.ok && verdict.by === "secret" && role === "operator" && local && owner.length > 0;
  if (!trusted) return refuse({ kind: "device-required" });
  const scopes = knownScopes(params).filter((scope) => scopeCovers(owner, scope));
  return { kind: "session", by: "secret", session: { role, scopes, identity: LOCAL_OWNER, local } };
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
  const claim = claimOf(attempt, verdict, scopes);
  const missing = missingFor(claim, known);
  const isLetIn = typeof proof !== "string" && missing === undefined;
  const invited = isLetIn ? undefined : decideInvited(attempt, policy, claim);
  if (invited !== undefined) return invited;
  if (typeof proof === "string") return unauthorized(proof, params);
  if (missing !== undefined) return decidePairing(claim, missing, { by: proof.by, local: attempt.local });
  return decideKnown(claim, proof, { local: attempt.local, now, known });
}

/** A device that the records let in. */
function decideKnown(
  claim: PairingClaim,
  proof: Proof,
  at: { readonly local: boolean; readonly now: number; readonly known: DeviceRecord | undefined },
): Decision {
  const { role, scopes, deviceId: identity } = claim;
  const grant = at.known && grantOf(at.known, role);
  if (grant === undefined) throw new Error(`device ${identity} was let in without a grant for ${role}`);
  const session = { role, scopes, identity, local: at.local, grant };
  const settles = proof.by === "device-token" ? settledBy(grant, proof.generation, at.now) : undefined;
  return { kind: "session", by: proof.by, session, seen: claim, ...(settles === undefined ? {} : { settles }) };
}

/** The generation that was used, when that ends an older one. */
const settledBy = (grant: RoleGrant, used: number, now: number): number | undefined =>
  activeGrace(grant, now).some(({ generation }) => generation < used) ? used : undefined;

/**
 * A bootstrap code lets in a device that may not come in otherwise, pages included: whoever made it has approved. It is taken only
 * where nobody can have read it on the way, and never beside a wrong shared secret. Undefined when there is no such code.
 */
function decideInvited(attempt: DeviceAttempt, policy: AuthPolicy, claim: PairingClaim): Decision | undefined {
  const { params, peer, now, local } = attempt;
  const { bootstrapToken: code, token, password } = params.auth ?? {};
  if (code === undefined) return undefined;
  if ((token !== undefined || password !== undefined) && !sharedProof(params, peer, policy).ok) return undefined;
  if (!peer.secure && (peer.forwarded || !isLoopbackAddress(peer.address)))
    return unauthorized("bootstrap_token_insecure", params);
  if (claim.role === "operator" && policy.tokens.isOwnerCode(code, { deviceId: claim.deviceId, now })) {
    return { kind: "approve", by: "bootstrap", claim, reasons: ["metadata-upgrade", "not-paired"], local };
  }
  return { kind: "redeem", by: "bootstrap", claim, codeHash: bootstrapHash(code), local };
}

/** What proves that the client may talk to this gateway, or why nothing does (wire protocol section 0, "Auth proof"). */
function proofOf(attempt: DeviceAttempt, policy: AuthPolicy, asked: Asked): Proof | UnauthorizedReason {
  const { params, peer } = attempt;
  const verdict = sharedProof(params, peer, policy);
  if (verdict.ok) return { by: verdict.by };
  const own = deviceTokenProof(attempt, policy, asked);
  if (own !== undefined) return own;
  const { token, deviceToken } = params.auth ?? {};
  // Official clients that hold a device token alone send it in both fields, and forget it when they are told that it is worthless.
  const isDeviceToken = deviceToken !== undefined && (token === undefined || token === deviceToken);
  return isDeviceToken ? "device_token_mismatch" : verdict.reason;
}

interface Asked {
  readonly known: DeviceRecord | undefined;
  readonly scopes: readonly string[];
}

/** The device's own token, when it shows one that is valid, or that it covers too little; undefined when it shows none. */
function deviceTokenProof(
  { params, role, now }: DeviceAttempt,
  { tokens }: AuthPolicy,
  { known, scopes }: Asked,
): Proof | "scope_mismatch" | undefined {
  const { token, deviceToken } = params.auth ?? {};
  // A presented shared token must match (the seed); only a client that sends none may rely on `deviceToken`.
  const presented = token ?? deviceToken;
  const grant = known && grantOf(known, role);
  if (presented === undefined || known === undefined || grant === undefined) return undefined;
  const generation = presentedGeneration(tokens, { deviceId: known.deviceId, grant, presented, now });
  if (generation === undefined) return undefined;
  return scopesCover(grant.scopes, scopes) ? { by: "device-token", generation } : "scope_mismatch";
}

function unauthorized(reason: UnauthorizedReason, params: ConnectParams): Decision {
  const canUseDeviceToken =
    params.device !== undefined &&
    params.auth?.deviceToken === undefined &&
    reason.endsWith("_mismatch") &&
    reason !== "scope_mismatch";
  return refuse({ kind: "unauthorized", reason, canUseDeviceToken });
}

/** Why the client must be paired (again) before it may come in. A revoked role is as good as none, and gets a new generation. */
function missingFor(claim: PairingClaim, known: DeviceRecord | undefined): PairingReason | undefined {
  const grant = known && grantOf(known, claim.role);
  return pairingReason(claim, known) ?? (grant?.revoked === true ? "not-paired" : undefined);
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
function decidePairing(
  claim: PairingClaim,
  reason: PairingReason,
  { by, local }: { readonly by: ProofKind; readonly local: boolean },
): Decision {
  const silent = local && (reason === "not-paired" || reason === "scope-upgrade");
  return silent ? { kind: "approve", by, claim, reasons: [reason], local } : { kind: "pair", by, claim, reason, local };
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
    ...(isLoopbackAddress(peer.address) ? {} : { remoteIp: peer.address }),
  };
}

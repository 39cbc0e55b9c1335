import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ensurePrivateDir } from "../base/private-file.ts";
import { type RoleGrant, activeGrace } from "../store/tables/device-record.ts";

const KEY_BYTES = 32;

/** Whom a device token speaks for. A new generation makes the older tokens of that device and role worthless. */
export interface TokenSubject {
  readonly deviceId: string;
  readonly role: string;
  readonly generation: number;
}

/** Makes and checks device tokens. They are derived and never stored, so every hello-ok can carry the same one again. */
export interface DeviceTokens {
  tokenFor(subject: TokenSubject): string;
  /** In constant time. */
  matches(subject: TokenSubject, presented: string): boolean;
  /** See `ownerCode`. `now` is epoch ms. */
  isOwnerCode(code: string, proof: { readonly deviceId: string; readonly now: number }): boolean;
}

/** How far the time in an owner's code may be from the gateway's, ms: as with device signatures (wire protocol 2.6). */
const OWNER_CODE_SKEW_MS = 120_000;
const OWNER_CODE = /^owner\.(\d{1,16})\.[\w-]{43}$/;

/**
 * A code with which a device proves, as `auth.bootstrapToken`, that it was started by somebody who may read the server key: the
 * owner on the gateway's own host, who can get in even when every device is revoked and nothing local is trusted. It serves one
 * device only, for two minutes. `at` is epoch ms.
 */
export function ownerCode(serverKey: Uint8Array, { deviceId, at }: { readonly deviceId: string; at: number }): string {
  const proof = createHmac("sha256", serverKey).update(`owner|${deviceId}|${at}`).digest("base64url");
  return `owner.${at}.${proof}`;
}

const isSame = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/** `base64url(HMAC-SHA256(serverKey, deviceId|role|generation))` (wire protocol section 0, "Device tokens"). */
export function createDeviceTokens(serverKey: Uint8Array): DeviceTokens {
  const derive = (subject: TokenSubject): Buffer =>
    createHmac("sha256", serverKey).update(`${subject.deviceId}|${subject.role}|${subject.generation}`).digest();
  return {
    tokenFor: (subject) => derive(subject).toString("base64url"),
    matches: (subject, presented) => isSame(derive(subject).toString("base64url"), presented),
    isOwnerCode(code, { deviceId, now }) {
      const at = Number(OWNER_CODE.exec(code)?.[1] ?? Number.NaN);
      return Math.abs(now - at) <= OWNER_CODE_SKEW_MS && isSame(ownerCode(serverKey, { deviceId, at }), code);
    },
  };
}

/** A device's token of one role, as presented. */
export interface PresentedToken {
  readonly deviceId: string;
  readonly grant: RoleGrant;
  readonly presented: string;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * Which generation of a role's token was presented: the current one, or one that was replaced and is still in grace. Undefined
 * when it is none of them, or the role was revoked.
 */
export function presentedGeneration(
  tokens: DeviceTokens,
  { deviceId, grant, presented, now }: PresentedToken,
): number | undefined {
  if (grant.revoked) return undefined;
  const generations = [grant.generation, ...activeGrace(grant, now).map(({ generation }) => generation)];
  return generations.find((generation) => tokens.matches({ deviceId, role: grant.role, generation }, presented));
}

/**
 * The key behind all device tokens: 32 random bytes in their own file (mode 0600), made when it is missing. Throws when the
 * file holds anything else or others may read it; without that key every paired device would have to pair again.
 */
export function loadServerKey(path: string): Uint8Array {
  return readServerKey(path) ?? makeServerKey(path);
}

/** That key; undefined when there is none yet. Throws as `loadServerKey` does. */
export function readServerKey(path: string): Uint8Array | undefined {
  let key: Buffer;
  try {
    key = readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new Error(
      `${path} can be read by others: run "chmod 600" on it, and delete it if somebody may have copied it`,
    );
  }
  if (key.length === KEY_BYTES) return key;
  throw new Error(`${path} is not a ${KEY_BYTES}-byte key: restore it, or delete it and pair every device again`);
}

function makeServerKey(path: string): Uint8Array {
  const key = randomBytes(KEY_BYTES);
  ensurePrivateDir(dirname(path));
  // Written beside and renamed, so that a crash never leaves half a key.
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, key, { mode: 0o600, flush: true });
  renameSync(temporary, path);
  return key;
}

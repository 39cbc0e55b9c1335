import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ensurePrivateDir } from "../base/private-file.ts";

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
}

/** `base64url(HMAC-SHA256(serverKey, deviceId|role|generation))` (wire protocol section 0, "Device tokens"). */
export function createDeviceTokens(serverKey: Uint8Array): DeviceTokens {
  const derive = (subject: TokenSubject): Buffer =>
    createHmac("sha256", serverKey).update(`${subject.deviceId}|${subject.role}|${subject.generation}`).digest();
  return {
    tokenFor: (subject) => derive(subject).toString("base64url"),
    matches(subject, presented) {
      const expected = Buffer.from(derive(subject).toString("base64url"));
      const given = Buffer.from(presented);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
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

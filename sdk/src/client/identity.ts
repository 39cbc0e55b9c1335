/**
 * Device identity: an Ed25519 key pair whose public key names the device (wire protocol sections 2.3 and 2.4).
 * WebCrypto only, so that the same file serves Node and browsers (in browsers: secure contexts).
 */

/** What is stored. The same shape as the file of the field's official clients, so that an identity can be moved over. */
export interface StoredIdentity {
  readonly version: 1;
  /** Lowercase hex SHA-256 of the 32 raw public-key bytes. */
  readonly deviceId: string;
  readonly publicKeyPem: string;
  readonly privateKeyPem: string;
  /** Epoch ms. */
  readonly createdAtMs: number;
}

/** Where an identity is kept: a file, `localStorage`, a key chain. */
export interface IdentityStorage {
  /** Undefined when there is none yet. */
  load(): Promise<StoredIdentity | undefined>;
  save(identity: StoredIdentity): Promise<void>;
}

/** A device that can sign. */
export interface DeviceIdentity {
  readonly deviceId: string;
  /** Base64url without padding of the raw public key. */
  readonly publicKey: string;
  /** Base64url without padding of the signature over the UTF-8 text. */
  sign(text: string): Promise<string>;
  /** The form to store. Holds the private key: keep it as secret as a password. */
  export(): StoredIdentity;
}

const ALGORITHM = "Ed25519";

/** Makes a new key pair. `now` is epoch ms. */
export async function createDeviceIdentity(now: number): Promise<DeviceIdentity> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("this platform's WebCrypto makes no Ed25519 key pairs");
  const [spki, pkcs8] = await Promise.all([
    crypto.subtle.exportKey("spki", pair.publicKey),
    crypto.subtle.exportKey("pkcs8", pair.privateKey),
  ]);
  const raw = await rawPublicKey(pair.publicKey);
  return identityFrom(pair.privateKey, raw, {
    version: 1,
    deviceId: await deviceIdOf(raw),
    publicKeyPem: pem("PUBLIC KEY", spki),
    privateKeyPem: pem("PRIVATE KEY", pkcs8),
    createdAtMs: now,
  });
}

/** Restores a stored identity. Throws when the keys are damaged or the id does not belong to them. */
export async function importDeviceIdentity(stored: StoredIdentity): Promise<DeviceIdentity> {
  const [publicKey, privateKey] = await Promise.all([
    crypto.subtle.importKey("spki", unpem(stored.publicKeyPem), ALGORITHM, true, ["verify"]),
    crypto.subtle.importKey("pkcs8", unpem(stored.privateKeyPem), ALGORITHM, false, ["sign"]),
  ]);
  const raw = await rawPublicKey(publicKey);
  if ((await deviceIdOf(raw)) !== stored.deviceId) {
    throw new Error("the stored device id does not belong to its key: delete the stored identity to get a new one");
  }
  return identityFrom(privateKey, raw, stored);
}

/** The stored identity, or a new one that is stored at once. `now` is epoch ms. */
export async function loadDeviceIdentity(storage: IdentityStorage, now: number): Promise<DeviceIdentity> {
  const stored = await storage.load();
  if (stored !== undefined) return importDeviceIdentity(stored);
  const created = await createDeviceIdentity(now);
  await storage.save(created.export());
  return created;
}

/** Everything the signature of a connect request covers. */
export interface SignedFields {
  readonly deviceId: string;
  readonly clientId: string;
  readonly clientMode: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly signedAt: number;
  /** The shared token, else the device token, else "". Never the password. */
  readonly token: string;
  readonly nonce: string;
  readonly platform: string;
  readonly deviceFamily: string;
}

/** The version 3 signature payload (wire protocol section 2.4). */
export function signaturePayload(fields: SignedFields): string {
  return [
    "v3",
    fields.deviceId,
    fields.clientId,
    fields.clientMode,
    fields.role,
    fields.scopes.join(","),
    String(fields.signedAt),
    fields.token,
    fields.nonce.trim(),
    normalise(fields.platform),
    normalise(fields.deviceFamily),
  ].join("|");
}

/** Only ASCII letters change case, as the gateway does it. */
const normalise = (text: string) => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function identityFrom(key: CryptoKey, raw: Uint8Array, stored: StoredIdentity): DeviceIdentity {
  return {
    deviceId: stored.deviceId,
    publicKey: base64url(raw),
    async sign(text) {
      return base64url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, key, new TextEncoder().encode(text))));
    },
    export: () => stored,
  };
}

async function rawPublicKey(key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.exportKey("raw", key));
}

async function deviceIdOf(raw: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
const base64url = (bytes: Uint8Array) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function pem(label: string, der: ArrayBuffer): string {
  const lines = base64(new Uint8Array(der)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function unpem(text: string): Uint8Array<ArrayBuffer> {
  const body = text.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");
  return Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
}

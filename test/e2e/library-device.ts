import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";

const SPKI_HEADER_BYTES = 12;

/** The 32 bytes of an Ed25519 key. */
export const rawPublicKey = (pem: string): Buffer =>
  createPublicKey(pem).export({ type: "spki", format: "der" }).subarray(SPKI_HEADER_BYTES);

/** A device in the form that the field's client library takes. */
export interface LibraryDevice {
  readonly deviceId: string;
  readonly publicKeyPem: string;
  readonly privateKeyPem: string;
}

export function newLibraryDevice(): LibraryDevice {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" });
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" });
  return {
    deviceId: createHash("sha256").update(rawPublicKey(publicKeyPem)).digest("hex"),
    publicKeyPem,
    privateKeyPem,
  };
}

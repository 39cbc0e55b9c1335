import { createHash, createPublicKey, verify } from "node:crypto";
import type { ConnectParams, DeviceProof } from "openclaw-host-schemas";
import type { SignatureVersion } from "../store/tables/device-record.ts";
import { isSmallOrder } from "./small-order.ts";

/** A device's proof may be this much older or newer than the gateway's clock, ms (wire protocol 2.6). */
export const MAX_SIGNATURE_SKEW_MS = 120_000;

/** What was wrong with a device's proof; the words are those of `details.reason` on the wire (wire protocol 2.6). */
export type DeviceFault =
  | "device-id-mismatch"
  | "device-signature-stale"
  | "device-nonce-missing"
  | "device-nonce-mismatch"
  | "device-signature"
  | "device-public-key";

export type DeviceVerdict =
  | { readonly ok: true; readonly deviceId: string; readonly publicKey: string; readonly signature: SignatureVersion }
  | { readonly ok: false; readonly fault: DeviceFault };

export interface ProofContext {
  /** The challenge that was sent on this connection. */
  readonly nonce: string;
  /** Epoch ms. */
  readonly now: number;
  /** False for a device that has used version 3 before: it may not fall back. */
  readonly acceptV2: boolean;
}

const RAW_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** DER of an Ed25519 SubjectPublicKeyInfo up to the key itself (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** A decoded key, `undefined` when the text is no key at all, or `"other"` when it is one of another kind. */
export function decodePublicKey(text: string): Buffer | "other" | undefined {
  if (text.includes("BEGIN")) return decodePem(text);
  if (!BASE64.test(text)) return undefined;
  const raw = Buffer.from(text, "base64url");
  return raw.length === RAW_KEY_BYTES ? raw : undefined;
}

function decodePem(text: string): Buffer | "other" | undefined {
  try {
    const der = createPublicKey(text).export({ type: "spki", format: "der" });
    const known =
      der.length === SPKI_PREFIX.length + RAW_KEY_BYTES && der.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX);
    return known ? der.subarray(SPKI_PREFIX.length) : "other";
  } catch {
    return undefined;
  }
}

/** A device's id: lower-case hex SHA-256 of its raw public key (wire protocol 2.3). */
export const deviceIdOf = (rawPublicKey: Uint8Array): string => createHash("sha256").update(rawPublicKey).digest("hex");

/** Pinned metadata is compared in this form: trimmed, ASCII letters lowered, `""` when absent (wire protocol 2.4). */
export const normaliseClaim = (value: string | undefined): string =>
  (value ?? "").trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The token in the signed text (wire protocol 2.4). */
const signedToken = ({ auth }: ConnectParams): string => auth?.token ?? auth?.deviceToken ?? "";

/** Clients of version 4 sign a bootstrap code in the place of the token, when they send no other. */
function signedTokens(params: ConnectParams): readonly string[] {
  const { token, deviceToken, bootstrapToken } = params.auth ?? {};
  const isAlone = token === undefined && deviceToken === undefined && bootstrapToken !== undefined;
  return isAlone ? [bootstrapToken, ""] : [signedToken(params)];
}

/** The text a device signs (wire protocol 2.4): scopes and tokens exactly as sent, never the password. */
export function signedText(
  version: SignatureVersion,
  params: ConnectParams,
  device: DeviceProof & { readonly token?: string },
): string {
  const fields = [
    version,
    device.id,
    params.client.id,
    params.client.mode,
    params.role ?? "operator",
    (params.scopes ?? []).join(","),
    String(device.signedAt),
    device.token ?? signedToken(params),
    device.nonce.trim(),
  ];
  if (version === "v3") fields.push(normaliseClaim(params.client.platform), normaliseClaim(params.client.deviceFamily));
  return fields.join("|");
}

/** Checks id, time, nonce and signature, in the order in which clients expect the errors (wire protocol 2.5, 2.6). */
export function verifyDevice(params: ConnectParams, device: DeviceProof, context: ProofContext): DeviceVerdict {
  const raw = decodePublicKey(device.publicKey);
  if (raw === "other") return { ok: false, fault: "device-public-key" };
  if (raw === undefined || deviceIdOf(raw) !== device.id) return { ok: false, fault: "device-id-mismatch" };
  const stale = Math.abs(context.now - device.signedAt) > MAX_SIGNATURE_SKEW_MS;
  if (stale) return { ok: false, fault: "device-signature-stale" };
  const nonce = device.nonce.trim();
  if (nonce === "") return { ok: false, fault: "device-nonce-missing" };
  if (nonce !== context.nonce) return { ok: false, fault: "device-nonce-mismatch" };
  const signature = Buffer.from(device.signature, "base64url");
  if (signature.length !== SIGNATURE_BYTES || isSmallOrder(raw)) return { ok: false, fault: "device-signature" };
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
  const versions: readonly SignatureVersion[] = context.acceptV2 ? ["v3", "v2"] : ["v3"];
  const tokens = signedTokens(params);
  const isSigned = (version: SignatureVersion, token: string): boolean =>
    verify(null, Buffer.from(signedText(version, params, { ...device, token })), key, signature);
  const used = versions.find((version) => tokens.some((token) => isSigned(version, token)));
  if (used === undefined) return { ok: false, fault: "device-signature" };
  return { ok: true, deviceId: device.id, publicKey: raw.toString("base64url"), signature: used };
}

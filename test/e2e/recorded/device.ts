import { createHash, generateKeyPairSync, sign as signBytes } from "node:crypto";

/** How a recorded case shows its device, and in what its proof differs from a right one. */
export interface ProofStyle {
  /** `known`: the one device that most cases share; `fresh`: one that nobody has seen. */
  readonly key: "known" | "fresh";
  /** Version of the signed text; `nothing` signs another text. Default `v3`. */
  readonly signs?: "v2" | "v3" | "nothing";
  /** How old the proof is, ms. Default 0. */
  readonly ageMs?: number;
  /** Default: that of the challenge. */
  readonly nonce?: string;
  /** The key is shown as PEM. */
  readonly pem?: boolean;
  /** What the device says of itself in place of the truth. */
  readonly claims?: { readonly id?: string; readonly publicKey?: string };
}

/** What of `connect` a device signs. */
export interface SignedParams {
  readonly client: {
    readonly id: string;
    readonly mode: string;
    readonly platform: string;
    readonly deviceFamily?: string;
  };
  readonly role?: string;
  readonly scopes?: readonly string[];
  readonly auth?: { readonly token?: string; readonly deviceToken?: string };
}

export interface Device {
  /** `device` of the connect params (wire protocol 2.3, 2.4). */
  proof(params: SignedParams, nonce: string, style: ProofStyle): object;
}

/** Independent of the product's own signing, which is what the recordings test. */
export function makeDevice(): Device {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const id = createHash("sha256").update(raw).digest("hex");
  const shown = { raw: raw.toString("base64url"), pem: publicKey.export({ type: "spki", format: "pem" }) };
  return {
    proof(params, challenge, { signs = "v3", ageMs = 0, nonce = challenge, pem = false, claims = {} }) {
      const proof = { id, publicKey: pem ? shown.pem : shown.raw, signedAt: Date.now() - ageMs, nonce, ...claims };
      const text = signs === "nothing" ? "another text" : signedText(signs, params, proof);
      return { ...proof, signature: signBytes(null, Buffer.from(text), privateKey).toString("base64url") };
    },
  };
}

function signedText(
  version: "v2" | "v3",
  { client, role, scopes, auth }: SignedParams,
  proof: { readonly id: string; readonly signedAt: number; readonly nonce: string },
): string {
  const token = auth?.token ?? auth?.deviceToken ?? "";
  const who = [version, proof.id, client.id, client.mode, role ?? "operator", (scopes ?? []).join(",")];
  const fields = [...who, proof.signedAt, token, proof.nonce];
  const pinned = [client.platform, client.deviceFamily ?? ""].map((value) => value.trim().toLowerCase());
  return [...fields, ...(version === "v3" ? pinned : [])].join("|");
}

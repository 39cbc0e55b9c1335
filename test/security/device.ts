import { type KeyObject, createHash, generateKeyPairSync, sign } from "node:crypto";

export type Params = Record<string, unknown>;

/** A device with a key of its own, written from the wire protocol and not from the gateway's code. */
export interface Device {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function makeDevice(): Device {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return { id: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url"), privateKey };
}

export interface Proof {
  readonly id: string;
  readonly publicKey: string;
  readonly signature: string;
  readonly signedAt: number;
  readonly nonce: string;
}

/** Signs `connect` params as wire protocol 2.4 has it. */
export function proofOf(
  device: Device,
  params: Params,
  { nonce, signedAt, version }: { readonly nonce: string; readonly signedAt: number; readonly version: "v2" | "v3" },
): Proof {
  const client = params["client"] as Record<string, string>;
  const auth = (params["auth"] ?? {}) as Record<string, string>;
  const fields: unknown[] = [
    version,
    device.id,
    client["id"],
    client["mode"],
    params["role"] ?? "operator",
    ((params["scopes"] ?? []) as string[]).join(","),
    String(signedAt),
    auth["token"] ?? auth["deviceToken"] ?? auth["bootstrapToken"] ?? "",
    nonce,
  ];
  if (version === "v3") {
    fields.push((client["platform"] ?? "").toLowerCase(), (client["deviceFamily"] ?? "").toLowerCase());
  }
  const signature = sign(null, Buffer.from(fields.map(String).join("|")), device.privateKey).toString("base64url");
  return { id: device.id, publicKey: device.publicKey, signature, signedAt, nonce };
}

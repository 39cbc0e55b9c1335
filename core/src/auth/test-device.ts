import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { ConnectParams } from "openclaw-host-schemas";
import type { SignatureVersion } from "../store/tables/device-record.ts";
import { signedText } from "./device.ts";

/** A device with a real key. */
export interface TestDevice {
  readonly id: string;
  readonly publicKey: string;
  readonly pem: string;
  readonly privateKey: KeyObject;
}

export function makeDevice(): TestDevice {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return {
    id: createHash("sha256").update(raw).digest("hex"),
    publicKey: raw.toString("base64url"),
    pem: publicKey.export({ type: "spki", format: "pem" }),
    privateKey,
  };
}

export type Params = Omit<ConnectParams, "client"> & { client: Record<string, unknown> } & Record<string, unknown>;

/** Params of `connect` as the command line client of version 3 sends them. */
export const cliParams = (over: Record<string, unknown> = {}): Params => ({
  minProtocol: 3,
  maxProtocol: 3,
  client: { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" },
  caps: [],
  role: "operator",
  scopes: ["operator.admin"],
  ...over,
});

export interface SignOptions {
  readonly nonce: string;
  readonly at: number;
  readonly version?: SignatureVersion;
}

/** The same params with the device's proof. */
export function signed(params: Params, device: TestDevice, options: SignOptions): Params {
  const proof = {
    id: device.id,
    publicKey: device.publicKey,
    signedAt: options.at,
    nonce: options.nonce,
    signature: "",
  };
  const text = signedText(options.version ?? "v3", params as unknown as ConnectParams, proof);
  const signature = sign(null, Buffer.from(text), device.privateKey).toString("base64url");
  return { ...params, device: { ...proof, signature } };
}

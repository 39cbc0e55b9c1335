import type { Challenge } from "./frames.ts";
import { signaturePayload } from "./identity.ts";
import type { ClientInfo, GatewayClientOptions } from "./options.ts";

/** Least privilege for a program that reads and talks; ask for more by name. */
const DEFAULT_SCOPES = ["operator.read", "operator.write"] as const;

/** The params of `connect` for one challenge (wire protocol section 2.2), signed when there is an identity. */
export async function connectParams(
  options: GatewayClientOptions,
  challenge: Challenge,
  now: number,
): Promise<Record<string, unknown>> {
  const client = clientInfo(options.client);
  const role = options.role ?? "operator";
  const scopes = options.scopes ?? (role === "operator" ? DEFAULT_SCOPES : []);
  // The gateway's own time avoids refusals for a skewed clock on this side.
  const signedAt = challenge.ts ?? now;
  return {
    minProtocol: options.minProtocol ?? 3,
    maxProtocol: options.maxProtocol ?? 4,
    client,
    role,
    scopes,
    caps: options.caps ?? [],
    ...(options.commands === undefined ? {} : { commands: options.commands }),
    ...(options.locale === undefined ? {} : { locale: options.locale }),
    ...auth(options),
    ...(await device(options, { client, role, scopes, signedAt, nonce: challenge.nonce })),
  };
}

function clientInfo(given: Partial<ClientInfo> = {}): ClientInfo {
  return { id: "gateway-client", mode: "backend", version: "dev", platform: localPlatform(), ...given };
}

/** Browsers and Node both have `navigator.platform`; other hosts may not. */
function localPlatform(): string {
  const platform = typeof navigator === "undefined" ? "" : navigator.platform;
  return platform === "" ? "unknown" : platform;
}

function auth({ token, deviceToken, bootstrapToken, password }: GatewayClientOptions): Record<string, unknown> {
  const auth = {
    ...(token === undefined ? {} : { token }),
    ...(deviceToken === undefined ? {} : { deviceToken }),
    ...(bootstrapToken === undefined ? {} : { bootstrapToken }),
    ...(password === undefined ? {} : { password }),
  };
  return Object.keys(auth).length === 0 ? {} : { auth };
}

interface Signed {
  readonly client: ClientInfo;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly signedAt: number;
  readonly nonce: string;
}

async function device(options: GatewayClientOptions, signed: Signed): Promise<Record<string, unknown>> {
  const { identity } = options;
  if (identity === undefined) return {};
  const signature = await identity.sign(
    signaturePayload({
      deviceId: identity.deviceId,
      clientId: signed.client.id,
      clientMode: signed.client.mode,
      role: signed.role,
      scopes: signed.scopes,
      signedAt: signed.signedAt,
      token: options.token ?? options.deviceToken ?? "",
      nonce: signed.nonce,
      platform: signed.client.platform,
      deviceFamily: signed.client.deviceFamily ?? "",
    }),
  );
  const { deviceId: id, publicKey } = identity;
  return { device: { id, publicKey, signature, signedAt: signed.signedAt, nonce: signed.nonce } };
}

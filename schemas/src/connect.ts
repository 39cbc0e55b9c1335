import { type Static, type TProperties, type TSchema, Type } from "@sinclair/typebox";
import { CLIENT_IDS_V3, CLIENT_IDS_V4, CLIENT_MODES_V3, CLIENT_MODES_V4 } from "./client.ts";
import type { ProtocolVersion } from "./descriptor.ts";
import { Count, EpochMs, Positive, Text, oneOf } from "./shapes.ts";

/** Payload of `connect.challenge`: `ts` is the gateway's time, epoch ms. `capabilities` is sent to nobody yet (version 4). */
export const ConnectChallenge = Type.Object({
  nonce: Text,
  ts: EpochMs,
  capabilities: Type.Optional(Type.Array(Text)),
});
export type ConnectChallenge = Static<typeof ConnectChallenge>;

const deviceProof = {
  /** Lower-case hex SHA-256 of the raw public key. */
  id: Text,
  /** Ed25519: base64url of the 32 raw bytes, or PEM. */
  publicKey: Text,
  signature: Text,
  signedAt: Count,
  nonce: Text,
} satisfies TProperties;

const auth = {
  token: Type.Optional(Type.String()),
  deviceToken: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  bootstrapToken: Type.Optional(Type.String()),
} satisfies TProperties;

const clientFacts = {
  version: Text,
  platform: Text,
  displayName: Type.Optional(Text),
  deviceFamily: Type.Optional(Text),
  modelIdentifier: Type.Optional(Text),
  instanceId: Type.Optional(Text),
} satisfies TProperties;

const claims = {
  minProtocol: Positive,
  maxProtocol: Positive,
  caps: Type.Optional(Type.Array(Text)),
  commands: Type.Optional(Type.Array(Text)),
  permissions: Type.Optional(Type.Record(Text, Type.Boolean())),
  pathEnv: Type.Optional(Type.String()),
  role: Type.Optional(Text),
  scopes: Type.Optional(Type.Array(Text)),
  locale: Type.Optional(Type.String()),
  userAgent: Type.Optional(Type.String()),
} satisfies TProperties;

/** Version 3 is closed at every level, version 4 ignores unknown keys (wire protocol section 0, "Closedness"). */
const V3 = { additionalProperties: false };
const V4 = { additionalProperties: true };

/**
 * Proof that the client holds a device's private key (wire protocol 2.3, 2.4): the signature covers the challenge's
 * `nonce`. `signedAt` is epoch ms and may differ from the gateway's clock by 120 s.
 */
export const DeviceProof = Type.Object(deviceProof, V3);
export type DeviceProof = Static<typeof DeviceProof>;

/**
 * Params of `connect` in version 3. Ids and modes are unions of constants because the version's clients know their
 * error text, `must be equal to constant` (wire protocol 2.2).
 */
export const ConnectParamsV3 = Type.Object(
  {
    ...claims,
    client: Type.Object(
      {
        id: Type.Union(CLIENT_IDS_V3.map((id) => Type.Literal(id))),
        mode: Type.Union(CLIENT_MODES_V3.map((mode) => Type.Literal(mode))),
        ...clientFacts,
      },
      V3,
    ),
    device: Type.Optional(DeviceProof),
    auth: Type.Optional(Type.Object(auth, V3)),
  },
  V3,
);
export type ConnectParamsV3 = Static<typeof ConnectParamsV3>;

const WorkerRuns = Type.Object(
  {
    bundleHash: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    openclawVersion: Text,
    protocolFeatures: Type.Array(Text),
    bundlePrewarm: Type.Optional(Type.Unknown()),
  },
  V4,
);

/** Params of `connect` in version 4, with the additions of wire protocol 11.2. */
export const ConnectParamsV4 = Type.Object(
  {
    ...claims,
    client: Type.Object(
      {
        id: oneOf(CLIENT_IDS_V4),
        mode: oneOf(CLIENT_MODES_V4),
        ...clientFacts,
        buildId: Type.Optional(Type.String({ maxLength: 96 })),
        timeZone: Type.Optional(Type.String({ maxLength: 64 })),
      },
      V4,
    ),
    device: Type.Optional(Type.Object(deviceProof, V4)),
    auth: Type.Optional(
      Type.Object(
        {
          ...auth,
          approvalRuntimeToken: Type.Optional(Type.String()),
          agentRuntimeIdentityToken: Type.Optional(Type.String()),
        },
        V4,
      ),
    ),
    computerUse: Type.Optional(Type.Unknown()),
    workerRuns: Type.Optional(WorkerRuns),
  },
  V4,
);

/** Valid params of `connect`, whichever version they came in: every version 3 value is one of these. */
export type ConnectParams = Static<typeof ConnectParamsV4>;

/** The schema that params of `connect` are checked against once the version is negotiated. */
export function connectParamsFor(version: ProtocolVersion): TSchema {
  return version === 3 ? ConnectParamsV3 : ConnectParamsV4;
}

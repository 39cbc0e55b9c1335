import { type Static, type TProperties, type TSchema, Type } from "@sinclair/typebox";
import type { ProtocolVersion } from "./descriptor.ts";
import { StateVersion } from "./frames.ts";
import { HealthSnapshot } from "./health.ts";
import { Count, EpochMs, Positive, Text, closed, oneOf } from "./shapes.ts";

/**
 * Somebody who is, or was within 5 minutes, connected (wire protocol section 3). Closed, since version 3 clients refuse
 * unknown keys here. `lastInputSeconds` counts from the last key press or touch.
 */
export const PresenceEntry = closed({
  host: Type.Optional(Text),
  ip: Type.Optional(Text),
  version: Type.Optional(Text),
  platform: Type.Optional(Text),
  deviceFamily: Type.Optional(Text),
  modelIdentifier: Type.Optional(Text),
  mode: Type.Optional(Text),
  lastInputSeconds: Type.Optional(Count),
  reason: Type.Optional(Text),
  tags: Type.Optional(Type.Array(Text)),
  text: Type.Optional(Type.String()),
  ts: EpochMs,
  deviceId: Type.Optional(Text),
  roles: Type.Optional(Type.Array(Text)),
  scopes: Type.Optional(Type.Array(Text)),
  instanceId: Type.Optional(Text),
});
export type PresenceEntry = Static<typeof PresenceEntry>;

/** How a client finds the session it talks to when it names none. */
export const SessionDefaults = Type.Object({
  defaultAgentId: Text,
  mainKey: Text,
  mainSessionKey: Text,
  scope: Type.Optional(oneOf(["per-sender", "global"])),
});
export type SessionDefaults = Static<typeof SessionDefaults>;

/**
 * What a client knows before its first call. `health` is `{}` until the first refresh. `configPath`, `stateDir` and
 * `authMode` are told to every client in version 3 and to admins only in version 4 (wire protocol 11.3).
 */
export const Snapshot = Type.Object({
  presence: Type.Array(PresenceEntry),
  health: Type.Union([HealthSnapshot, closed({})]),
  stateVersion: StateVersion,
  uptimeMs: Count,
  configPath: Type.Optional(Text),
  stateDir: Type.Optional(Text),
  sessionDefaults: Type.Optional(SessionDefaults),
  authMode: Type.Optional(oneOf(["none", "token", "password", "trusted-proxy"])),
});
export type Snapshot = Static<typeof Snapshot>;

/** Limits the client must keep: sizes in bytes, the tick in milliseconds. */
export const Policy = Type.Object({
  maxPayload: Positive,
  maxBufferedBytes: Positive,
  tickIntervalMs: Positive,
});
export type Policy = Static<typeof Policy>;

/** `deviceToken` is the token of the signing device for this role, present when a device signed. */
const grant = { role: Text, scopes: Type.Array(Text), issuedAtMs: Type.Optional(EpochMs) } satisfies TProperties;

const common = {
  type: Type.Literal("hello-ok"),
  server: Type.Object({ version: Text, connId: Text }),
  features: Type.Object({ methods: Type.Array(Text), events: Type.Array(Text) }),
  snapshot: Snapshot,
  policy: Policy,
} satisfies TProperties;

/** The answer to `connect` in version 3 (wire protocol section 3); `auth` only when a device signed. */
export const HelloOkV3 = Type.Object({
  ...common,
  protocol: Type.Literal(3),
  canvasHostUrl: Type.Optional(Text),
  auth: Type.Optional(Type.Object({ ...grant, deviceToken: Text })),
});
export type HelloOkV3 = Static<typeof HelloOkV3>;

/** The answer to `connect` in version 4 (wire protocol 11.3); `auth` always says what was granted. */
export const HelloOkV4 = Type.Object({
  ...common,
  protocol: Type.Literal(4),
  features: Type.Object({
    methods: Type.Array(Text),
    events: Type.Array(Text),
    capabilities: Type.Optional(Type.Array(Text)),
  }),
  pluginSurfaceUrls: Type.Optional(Type.Record(Text, Text)),
  auth: Type.Object({ ...grant, deviceToken: Type.Optional(Text), method: Type.Optional(Text) }),
});
export type HelloOkV4 = Static<typeof HelloOkV4>;

export type HelloOk = HelloOkV3 | HelloOkV4;

/** The schema of hello-ok in a version. */
export function helloOkFor(version: ProtocolVersion): TSchema {
  return version === 3 ? HelloOkV3 : HelloOkV4;
}

import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { EpochMs, NoParams, Text, closed, oneOf } from "../shapes.ts";

const ROLES = ["operator", "node"] as const;

/** What a device says of itself; platform and family are pinned when it is paired. `remoteIp` is absent on the gateway's host. */
const metadata = {
  displayName: Type.Optional(Text),
  platform: Type.Optional(Text),
  deviceFamily: Type.Optional(Text),
  clientId: Type.Optional(Text),
  clientMode: Type.Optional(Text),
  remoteIp: Type.Optional(Text),
} satisfies TProperties;

/**
 * A device that waits for somebody to decide (wire protocol 5.6). What it says never changes under its `requestId`: a device that
 * asks for anything else is another request. `digest` is the SHA-256 of what an approval would make true.
 */
export const PendingDevice = Type.Object({
  requestId: Text,
  deviceId: Text,
  publicKey: Text,
  ...metadata,
  role: oneOf(ROLES),
  roles: Type.Array(oneOf(ROLES)),
  scopes: Type.Array(Text),
  reason: oneOf(["not-paired", "metadata-upgrade", "role-upgrade", "scope-upgrade"]),
  digest: Text,
  /** Always false: what is granted without a person never waits. */
  silent: Type.Boolean(),
  /** The device was paired when it asked. */
  isRepair: Type.Boolean(),
  ts: EpochMs,
  expiresAtMs: EpochMs,
});
export type PendingDevice = Static<typeof PendingDevice>;

/** A device's token of one role, without the token. */
export const DeviceTokenSummary = Type.Object({
  role: oneOf(ROLES),
  scopes: Type.Array(Text),
  createdAtMs: EpochMs,
  rotatedAtMs: Type.Optional(EpochMs),
  revokedAtMs: Type.Optional(EpochMs),
  lastUsedAtMs: Type.Optional(EpochMs),
});

/**
 * A paired device (wire protocol 5.6); without any secret, and with `tokens` only for itself and for admins. `local-owner` is built
 * in: a program on the gateway's host that holds the shared secret and shows no device; it has no key and cannot be removed.
 */
export const PairedDevice = Type.Object({
  deviceId: Text,
  publicKey: Type.String(),
  ...metadata,
  role: oneOf(ROLES),
  roles: Type.Array(oneOf(ROLES)),
  scopes: Type.Array(Text),
  createdAtMs: EpochMs,
  approvedAtMs: EpochMs,
  lastSeenAtMs: Type.Optional(EpochMs),
  connected: Type.Boolean(),
  builtIn: Type.Optional(Type.Literal(true)),
  tokens: Type.Optional(Type.Array(DeviceTokenSummary)),
});
export type PairedDevice = Static<typeof PairedDevice>;

const tokenOf = { deviceId: Text, role: oneOf(ROLES) } satisfies TProperties;
const byRequest = closed({ requestId: Text });

/**
 * Paired devices, what waits to be paired, and their tokens (wire protocol 5.6). A caller sees and decides on every request its
 * scopes cover, and changes its own device only, unless it is an admin. A decision or removal that its caller repeats, since the
 * answer was lost, is answered as the first time.
 */
export const deviceMethods = {
  "device.pair.list": defineMethod({
    name: "device.pair.list",
    params: NoParams,
    result: Type.Object({ pending: Type.Array(PendingDevice), paired: Type.Array(PairedDevice) }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** Grants what the request says. Refused as a missing scope when the caller may not do itself what it would grant. */
  "device.pair.approve": defineMethod({
    name: "device.pair.approve",
    params: byRequest,
    result: Type.Object({ requestId: Text, device: PairedDevice }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** The device is not told and may ask again. */
  "device.pair.reject": defineMethod({
    name: "device.pair.reject",
    params: byRequest,
    result: Type.Object({ requestId: Text, deviceId: Text }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** Forgets the device; its connections close and its tokens never work again. */
  "device.pair.remove": defineMethod({
    name: "device.pair.remove",
    params: closed({ deviceId: Text }),
    result: Type.Object({ deviceId: Text }),
    scope: "operator.pairing",
    strict: true,
  }),
  /**
   * The next token of a role, at most with the scopes it has. The old one works until the new one is used, or 10 minutes; with `now`
   * not at all. The role's connections close, so that the device comes back and is given the new token. `token` is told to the device
   * itself, and in version 3 to every caller (wire protocol 11.5).
   */
  "device.token.rotate": defineMethod({
    name: "device.token.rotate",
    params: closed({
      ...tokenOf,
      scopes: Type.Optional(Type.Array(Text)),
      now: Type.Optional(Type.Boolean()),
    }),
    result: Type.Object({ ...tokenOf, token: Type.Optional(Text), scopes: Type.Array(Text), rotatedAtMs: EpochMs }),
    scope: "operator.pairing",
    strict: true,
  }),
  /** Ends a role: its token stops working and its connections close. The device may ask to be paired again. */
  "device.token.revoke": defineMethod({
    name: "device.token.revoke",
    params: closed(tokenOf),
    result: Type.Object({ ...tokenOf, revokedAtMs: EpochMs }),
    scope: "operator.pairing",
    strict: true,
  }),
  /**
   * A code that pairs one device with exactly this role and these scopes, which the caller must have itself. It is good once, for ten
   * minutes, as `auth.bootstrapToken` of a signed connect over wss or on the gateway's host. Default scopes of an operator:
   * `operator.read`, `operator.write`. This method is this gateway's own.
   */
  "devices.link.create": defineMethod({
    name: "devices.link.create",
    params: closed({ role: Type.Optional(oneOf(ROLES)), scopes: Type.Optional(Type.Array(Text, { maxItems: 20 })) }),
    result: Type.Object({
      code: Text,
      role: oneOf(ROLES),
      scopes: Type.Array(Text),
      expiresAtMs: EpochMs,
      /** `gateway.publicUrl`, where it is set. */
      publicUrl: Type.Optional(Text),
    }),
    scope: "operator.pairing",
    strict: true,
  }),
};

import { type Static, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { EXTENSION_STATES, ISOLATIONS } from "../extension.ts";
import { Provides } from "../manifest.ts";
import { Count, EpochMs, NoParams, Positive, Text, oneOf } from "../shapes.ts";

/**
 * One extension. An unreadable manifest leaves `id` as the folder's name and `version` absent. `reason` says why it is not
 * active, `fix` what the operator can do. `retryAt` is when a `backoff` ends.
 */
export const ExtensionRow = Type.Object({
  id: Text,
  version: Type.Optional(Text),
  path: Text,
  state: oneOf(EXTENSION_STATES),
  since: EpochMs,
  reason: Type.Optional(Text),
  fix: Type.Optional(Text),
  provides: Provides,
  isolation: Type.Optional(oneOf(ISOLATIONS)),
  pid: Type.Optional(Positive),
  restarts: Count,
  retryAt: Type.Optional(EpochMs),
  loadMs: Type.Optional(Count),
});
export type ExtensionRow = Static<typeof ExtensionRow>;

/** Extensions of this gateway; not part of the reference protocol. */
export const extensionMethods = {
  "extensions.list": defineMethod({
    name: "extensions.list",
    params: NoParams,
    /** Ordered by id. */
    result: Type.Object({ extensions: Type.Array(ExtensionRow) }),
    scope: "operator.read",
  }),
};

/**
 * The life of an extension: `discovered` (manifest read, no code run), then `refused` or `enabled`, then `loading`, `active`,
 * `degraded`, `crashed`, `backoff` (a restart is due), `quarantined` (given up until the operator acts) and `removed`.
 */
export const EXTENSION_STATES = [
  "discovered",
  "refused",
  "enabled",
  "loading",
  "active",
  "degraded",
  "crashed",
  "backoff",
  "quarantined",
  "removed",
] as const;
export type ExtensionState = (typeof EXTENSION_STATES)[number];

/** Where a guest runs: in a process of its own, in a worker thread, or in the gateway. */
export const ISOLATIONS = ["process", "worker", "inline"] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** The isolations the config accepts today. */
export const ISOLATIONS_NOW = ["process", "inline"] as const satisfies readonly Isolation[];

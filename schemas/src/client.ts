import type { ProtocolVersion } from "./descriptor.ts";

/** Client ids of version 3 (wire protocol 2.2). */
export const CLIENT_IDS_V3 = [
  "webchat-ui",
  "openclaw-control-ui",
  "webchat",
  "cli",
  "gateway-client",
  "openclaw-macos",
  "openclaw-ios",
  "openclaw-android",
  "node-host",
  "test",
  "fingerprint",
  "openclaw-probe",
] as const;

/** Client ids of version 4 (wire protocol 11.2). */
export const CLIENT_IDS_V4 = [
  ...CLIENT_IDS_V3,
  "openclaw-browser-copilot",
  "openclaw-tui",
  "openclaw-linux",
  "openclaw-watchos",
  "openclaw-worker",
] as const;

/** Client modes of version 3 (wire protocol 2.2). */
export const CLIENT_MODES_V3 = ["webchat", "cli", "ui", "backend", "node", "probe", "test"] as const;

/** Client modes of version 4 (wire protocol 11.2). */
export const CLIENT_MODES_V4 = [...CLIENT_MODES_V3, "worker"] as const;

export type ClientId = (typeof CLIENT_IDS_V4)[number];
export type ClientMode = (typeof CLIENT_MODES_V4)[number];

/** Every protocol version this gateway serves, oldest first. */
export const PROTOCOL_VERSIONS = [3, 4] as const satisfies readonly ProtocolVersion[];

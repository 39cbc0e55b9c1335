export { createGatewayClient, type GatewayClient } from "./client.ts";
export type { ClientClock, Undo } from "./clock.ts";
export {
  GatewayError,
  type GatewayErrorCode,
  type GatewayErrorData,
  type LocalErrorCode,
  isGatewayError,
} from "./errors.ts";
export type { Gap, Listener } from "./events.ts";
export {
  type DeviceIdentity,
  type IdentityStorage,
  type StoredIdentity,
  createDeviceIdentity,
  importDeviceIdentity,
  loadDeviceIdentity,
} from "./identity.ts";
export type { ClientInfo, GatewayClientOptions } from "./options.ts";
export type { CallOptions } from "./requests.ts";

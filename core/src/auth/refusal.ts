import type { DeviceFault } from "./device.ts";
import type { OriginFault } from "./origin.ts";
import type { PairingReason } from "../store/tables/device-record.ts";
import type { SecretFault } from "./shared-secret.ts";
import type { VouchingFault } from "./vouched.ts";

/** Why a presented credential does not let the client in. */
export type UnauthorizedReason = SecretFault | VouchingFault | DeviceTokenFault | BootstrapFault;

/** A device token that is not, or no longer, this device's; or one that is, but covers too few scopes. */
export type DeviceTokenFault = "device_token_mismatch" | "scope_mismatch";

/** A link's code that is unknown, used, too old or for another role; or a good or bad one that was sent in the clear. */
export type BootstrapFault = "bootstrap_token_invalid" | "bootstrap_token_insecure";

/** Why a valid `connect` is refused. The wire's dialects turn it into an error and a close reason (wire protocol 2.6). */
export type Refusal =
  | { readonly kind: "role" }
  | { readonly kind: "origin"; readonly fault: OriginFault }
  | { readonly kind: "device-required" }
  | { readonly kind: "control-ui-device-required" }
  | { readonly kind: "device"; readonly fault: DeviceFault }
  /** `canUseDeviceToken`: the client showed a device, but no device token. */
  | { readonly kind: "unauthorized"; readonly reason: UnauthorizedReason; readonly canUseDeviceToken: boolean }
  /** Too many wrong credentials came from there; nothing was checked. */
  | { readonly kind: "rate-limited"; readonly retryAfterMs: number }
  | { readonly kind: "pairing"; readonly reason: PairingReason; readonly requestId: string }
  /** Nothing was decided: the records could not be read or written. */
  | { readonly kind: "unavailable" };

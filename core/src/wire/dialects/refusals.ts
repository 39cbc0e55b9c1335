import type { ErrorShape } from "openclaw-host-schemas";
import type { DeviceFault } from "../../auth/device.ts";
import type { Refusal, UnauthorizedReason } from "../../auth/refusal.ts";
import type { ClientClaim } from "./dialect.ts";

/** Texts and codes of refused connects that both versions share (wire protocol 2.6). */
export const DEVICE_TEXTS: Readonly<Record<DeviceFault, string>> = {
  "device-id-mismatch": "device identity mismatch",
  "device-signature-stale": "device signature expired",
  "device-nonce-missing": "device nonce required",
  "device-nonce-mismatch": "device nonce mismatch",
  "device-signature": "device signature invalid",
  "device-public-key": "device public key invalid",
};

const ORIGIN_TEXT =
  "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";
const CONTROL_UI_TEXT = "control ui requires device identity (use HTTPS or localhost secure context)";

/** What a client of a kind should do about its credentials. */
export interface Hints {
  readonly token: string;
  readonly password: string;
}

export type HintsFor = (client: ClientClaim) => Hints;

export const BROWSER_HINTS: Hints = {
  token: "open the dashboard URL and paste the token in Control UI settings",
  password: "enter the password in Control UI settings",
};
export const OTHER_HINTS: Hints = { token: "provide gateway auth token", password: "provide gateway auth password" };

const UNAUTHORIZED: Readonly<
  Record<UnauthorizedReason, { readonly code: string; readonly text: (hints: Hints) => string }>
> = {
  token_missing: { code: "AUTH_TOKEN_MISSING", text: (hints) => `gateway token missing (${hints.token})` },
  token_mismatch: { code: "AUTH_TOKEN_MISMATCH", text: (hints) => `gateway token mismatch (${hints.token})` },
  token_not_configured: {
    code: "AUTH_TOKEN_NOT_CONFIGURED",
    text: () => "gateway token not configured on gateway (set gateway.auth.token)",
  },
  password_missing: { code: "AUTH_PASSWORD_MISSING", text: (hints) => `gateway password missing (${hints.password})` },
  password_mismatch: {
    code: "AUTH_PASSWORD_MISMATCH",
    text: (hints) => `gateway password mismatch (${hints.password})`,
  },
  password_not_configured: {
    code: "AUTH_PASSWORD_NOT_CONFIGURED",
    text: () => "gateway password not configured on gateway (set gateway.auth.password)",
  },
  device_token_mismatch: {
    code: "AUTH_DEVICE_TOKEN_MISMATCH",
    text: () => "device token mismatch (rotate/reissue device token)",
  },
};

/** What a version adds to the shared texts. */
export interface RefusalStyle {
  readonly hints: HintsFor;
  readonly deviceCode: (fault: DeviceFault) => string;
  readonly pairingText: (reason: Extract<Refusal, { readonly kind: "pairing" }>["reason"]) => string;
  readonly originDetails: (refusal: Extract<Refusal, { readonly kind: "origin" }>) => object | undefined;
  readonly unauthorizedDetails: (refusal: Extract<Refusal, { readonly kind: "unauthorized" }>) => object;
}

const invalid = (message: string, details?: object): ErrorShape => ({
  code: "INVALID_REQUEST",
  message,
  ...(details === undefined ? {} : { details }),
});

/** The error of a refusal in a version's style. */
export function refusalError(refusal: Refusal, client: ClientClaim, style: RefusalStyle): ErrorShape {
  switch (refusal.kind) {
    case "role":
      return invalid("invalid role");
    case "origin":
      return invalid(ORIGIN_TEXT, style.originDetails(refusal));
    case "device-required":
      return { code: "NOT_PAIRED", message: "device identity required", details: { code: "DEVICE_IDENTITY_REQUIRED" } };
    case "control-ui-device-required":
      return invalid(CONTROL_UI_TEXT, { code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED" });
    case "device":
      return invalid(DEVICE_TEXTS[refusal.fault], { code: style.deviceCode(refusal.fault), reason: refusal.fault });
    case "unauthorized": {
      const { code, text } = UNAUTHORIZED[refusal.reason];
      const details = { code, authReason: refusal.reason, ...style.unauthorizedDetails(refusal) };
      return invalid(`unauthorized: ${text(style.hints(client))}`, details);
    }
    case "pairing": {
      const { requestId, reason } = refusal;
      const details = { code: "PAIRING_REQUIRED", requestId, reason };
      return { code: "NOT_PAIRED", message: style.pairingText(reason), details };
    }
    case "unavailable":
      return { code: "UNAVAILABLE", message: "the gateway cannot read its device records: try again", retryable: true };
  }
}

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
  bootstrap_token_invalid: {
    code: "AUTH_BOOTSTRAP_TOKEN_INVALID",
    text: () => "this link is unknown, used or too old (make a new one: openclaw devices link)",
  },
  bootstrap_token_insecure: {
    code: "AUTH_BOOTSTRAP_TOKEN_INVALID",
    text: () =>
      "links are taken over wss:// or on the gateway's own host only (open the gateway's https address; a proxy must send X-Forwarded-Proto)",
  },
  device_token_mismatch: {
    code: "AUTH_DEVICE_TOKEN_MISMATCH",
    text: () => "device token mismatch (rotate/reissue device token)",
  },
  scope_mismatch: {
    code: "AUTH_SCOPE_MISMATCH",
    text: () => "device token scope mismatch (connect with the gateway's token to ask for more scopes)",
  },
  proxy_untrusted: {
    code: "AUTH_UNAUTHORIZED",
    text: () => "connect through the proxy in front of this gateway (it must be in gateway.trustedProxies)",
  },
  proxy_secret_missing: {
    code: "AUTH_UNAUTHORIZED",
    text: () => "the proxy sent no secret (it must set the header of gateway.auth.trustedProxy.secretHeader)",
  },
  proxy_secret_mismatch: {
    code: "AUTH_UNAUTHORIZED",
    text: () => "the proxy sent a wrong secret (it must send gateway.auth.trustedProxy.secret once)",
  },
  proxy_user_missing: {
    code: "AUTH_IDENTITY_HEADER_REQUIRED",
    text: () => "the proxy named no user (it must set the header of gateway.auth.trustedProxy.userHeader once)",
  },
  proxy_user_not_allowed: {
    code: "AUTH_UNAUTHORIZED",
    text: () => "this user may not connect (add it to gateway.auth.trustedProxy.allowUsers)",
  },
  tailscale_user_missing: {
    code: "AUTH_TAILSCALE_IDENTITY_MISSING",
    text: () => "tailscale identity missing (open the gateway through tailscale serve)",
  },
  tailscale_proxy_missing: {
    code: "AUTH_TAILSCALE_PROXY_MISSING",
    text: () => "tailscale address missing (open the gateway through tailscale serve)",
  },
  tailscale_whois_failed: {
    code: "AUTH_TAILSCALE_WHOIS_FAILED",
    text: () => 'tailscale did not confirm the identity (run "tailscale status" on the gateway\'s host)',
  },
  tailscale_user_mismatch: {
    code: "AUTH_TAILSCALE_IDENTITY_MISMATCH",
    text: () => "tailscale knows another user at this address (connect through tailscale serve only)",
  },
  tailscale_user_not_allowed: {
    code: "AUTH_UNAUTHORIZED",
    text: () => "this tailscale user may not connect (add it to gateway.auth.tailscale.allowUsers)",
  },
};

/** The command that lets a device in, to be run by whoever may approve it. */
const approvalCommand = (requestId: string): string => `openclaw devices approve ${requestId}`;

/** What a version adds to the shared texts. */
export interface RefusalStyle {
  readonly hints: HintsFor;
  readonly deviceCode: (fault: DeviceFault) => string;
  readonly pairingText: (reason: Extract<Refusal, { readonly kind: "pairing" }>["reason"]) => string;
  readonly originDetails: (refusal: Extract<Refusal, { readonly kind: "origin" }>) => object | undefined;
  readonly unauthorizedDetails: (refusal: Extract<Refusal, { readonly kind: "unauthorized" }>) => object;
  readonly rateLimitedDetails: object;
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
    case "rate-limited":
      return {
        ...invalid("unauthorized: too many failed authentication attempts (retry later)", {
          code: "AUTH_RATE_LIMITED",
          authReason: "rate_limited",
          ...style.rateLimitedDetails,
        }),
        retryable: true,
        retryAfterMs: refusal.retryAfterMs,
      };
    case "pairing": {
      const { requestId, reason } = refusal;
      const details = { code: "PAIRING_REQUIRED", requestId, reason, fix: approvalCommand(requestId) };
      return { code: "NOT_PAIRED", message: style.pairingText(reason), details };
    }
    case "unavailable":
      return { code: "UNAVAILABLE", message: "the gateway cannot read its device records: try again", retryable: true };
  }
}

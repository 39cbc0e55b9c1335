import { scopeCovers } from "openclaw-host-schemas";
import type { DeviceFault } from "../../auth/device.ts";
import { isBrowserClient } from "../../auth/origin.ts";
import type { PairingReason } from "../../store/tables/device-record.ts";
import type { Dialect } from "./dialect.ts";
import { BROWSER_HINTS, type Hints, OTHER_HINTS, type RefusalStyle, refusalError } from "./refusals.ts";
import { isCli } from "./v3.ts";

const CLI_HINTS: Hints = {
  token: "use this gateway's gateway.auth.token or pair the device",
  password: "use this gateway's gateway.auth.password or pair the device",
};

const DEVICE_CODES: Readonly<Record<DeviceFault, string>> = {
  "device-id-mismatch": "DEVICE_AUTH_DEVICE_ID_MISMATCH",
  "device-signature-stale": "DEVICE_AUTH_SIGNATURE_EXPIRED",
  "device-nonce-missing": "DEVICE_AUTH_NONCE_REQUIRED",
  "device-nonce-mismatch": "DEVICE_AUTH_NONCE_MISMATCH",
  "device-signature": "DEVICE_AUTH_SIGNATURE_INVALID",
  "device-public-key": "DEVICE_AUTH_PUBLIC_KEY_INVALID",
};

const PAIRING_TEXTS: Readonly<Record<PairingReason, string>> = {
  "not-paired": "device pairing required",
  "metadata-upgrade": "device metadata change pending approval",
  "role-upgrade": "role upgrade pending approval",
  "scope-upgrade": "scope upgrade pending approval",
};

const style: RefusalStyle = {
  hints: (client) => (isCli(client) ? CLI_HINTS : isBrowserClient(client) ? BROWSER_HINTS : OTHER_HINTS),
  deviceCode: (fault) => DEVICE_CODES[fault],
  pairingText: (reason) => PAIRING_TEXTS[reason],
  originDetails: ({ fault }) => ({ code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: fault }),
  unauthorizedDetails({ reason, canUseDeviceToken }) {
    if (reason === "scope_mismatch") {
      return { canRetryWithDeviceToken: false, recommendedNextStep: "review_auth_configuration" };
    }
    const wrongSecret = reason.endsWith("_mismatch") ? "update_auth_credentials" : "update_auth_configuration";
    return {
      canRetryWithDeviceToken: canUseDeviceToken,
      recommendedNextStep: canUseDeviceToken ? "retry_with_device_token" : wrongSecret,
    };
  },
  rateLimitedDetails: { canRetryWithDeviceToken: false, recommendedNextStep: "wait_then_retry" },
};

/** What version 3 says of a token that may not be changed; version 4 has words of its own (wire protocol 11.5). */
const TOKEN_DENIED = "unknown deviceId/role";

/** A repeat of a running request; the acceptance time belongs to the first answer (wire protocol 11.5). */
function agentResult(payload: { status: string; acceptedAt?: number }): object {
  if (payload.status !== "in_flight") return payload;
  const { acceptedAt: _first, ...repeated } = payload;
  return repeated;
}

/** Protocol 4, as shipped in 2026.9: unknown keys are ignored, errors say more, hello-ok tells less (wire protocol section 11). */
export const v4: Dialect = {
  version: 4,
  closed: false,
  mismatchDetails: ({ min, max }) => ({
    code: "PROTOCOL_MISMATCH",
    clientMinProtocol: min,
    clientMaxProtocol: max,
    expectedProtocol: 4,
    minimumProbeProtocol: 3,
  }),
  refusal: (refusal, client) => refusalError(refusal, client, style),
  error: (error) => (error.message === TOKEN_DENIED ? { ...error, message: "device token rotation denied" } : error),
  auth: ({ device, role, scopes }) => ({
    ...(device === undefined ? {} : { deviceToken: device.token }),
    role,
    scopes,
    ...(device === undefined ? {} : { issuedAtMs: device.issuedAtMs }),
  }),
  snapshot(snapshot, scopes) {
    if (scopeCovers(scopes, "operator.admin")) return snapshot;
    const { configPath: _path, stateDir: _dir, authMode: _mode, ...open } = snapshot;
    return open;
  },
  events: {},
  results: { agent: agentResult },
  paramsTexts: {},
};

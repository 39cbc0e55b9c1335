import { isGatewayError } from "openclaw-host-sdk/client";
import { printable } from "../../base/printable.ts";
import { CheckFailed, type CheckName } from "./checks.ts";

const MS_A_SECOND = 1_000;

type Found = readonly [check: CheckName, fix: string];

/** By `details.code` of the gateway's error (wire protocol sections 2.6 and 11.4). */
const KNOWN: Readonly<Record<string, Found>> = {
  PROTOCOL_MISMATCH: ["version", "install the same release of openclaw-host here and on the gateway's host"],
  DEVICE_IDENTITY_REQUIRED: ["device", "connect with a device: run this command with --url"],
  DEVICE_AUTH_SIGNATURE_EXPIRED: ["device", "set the clock of this machine, for instance: timedatectl set-ntp true"],
  CERTIFICATE_MISMATCH: [
    "tls",
    "compare with openclaw status on the gateway's host, and pass that with --tls-fingerprint",
  ],
  AUTH_TOKEN_MISSING: ["auth", "pass the gateway's token with --token, or set OPENCLAW_GATEWAY_TOKEN"],
  AUTH_TOKEN_MISMATCH: ["auth", "pass the token of the running gateway with --token, or restart the gateway"],
  AUTH_TOKEN_NOT_CONFIGURED: ["auth", "set gateway.auth.token on the gateway's host and restart it"],
  AUTH_PASSWORD_MISSING: ["auth", "set gateway.auth.password here to the gateway's password"],
  AUTH_PASSWORD_MISMATCH: ["auth", "set gateway.auth.password here to the gateway's password"],
  AUTH_PASSWORD_NOT_CONFIGURED: ["auth", "set gateway.auth.password on the gateway's host and restart it"],
  AUTH_DEVICE_TOKEN_MISMATCH: ["auth", "connect once with --token: the gateway then gives this device a new token"],
};

/** Which check a refused connect failed, and what mends it. What is no refusal is thrown on. */
export function diagnose(error: unknown): CheckFailed {
  if (!isGatewayError(error)) throw error;
  const detail = printable(error.message);
  const code = textIn(error.details, "code") ?? "";
  if (code === "PAIRING_REQUIRED") {
    const fix = textIn(error.details, "fix") ?? "openclaw devices list, then openclaw devices approve <id>";
    return new CheckFailed("pairing", detail, `on the gateway's host: ${printable(fix)}`);
  }
  if (code === "AUTH_RATE_LIMITED") {
    const seconds = Math.ceil((error.retryAfterMs ?? 0) / MS_A_SECOND);
    return new CheckFailed("auth", detail, `wait ${seconds} s, then try again with the right token`);
  }
  const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined;
  if (known !== undefined) return new CheckFailed(known[0], detail, known[1]);
  return byFamily(code, detail);
}

function byFamily(code: string, detail: string): CheckFailed {
  if (code.startsWith("DEVICE_")) {
    return new CheckFailed("device", detail, "delete identity/device.json of the state directory to make a new device");
  }
  // Proxies and the tailnet: the gateway's own sentence says in brackets what is missing.
  if (code.startsWith("AUTH_")) {
    return new CheckFailed("auth", detail, /\(([^()]+)\)$/.exec(detail)?.[1] ?? "look at gateway.auth on its host");
  }
  if (detail.startsWith("protocol mismatch")) return new CheckFailed("version", detail, KNOWN_VERSION_FIX);
  return new CheckFailed("auth", detail, "read the gateway's log: openclaw logs");
}

const KNOWN_VERSION_FIX = "install the same release of openclaw-host here and on the gateway's host";

export function textIn(value: unknown, key: string): string | undefined {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === "string" ? found : undefined;
}

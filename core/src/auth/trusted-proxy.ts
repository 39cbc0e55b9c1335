import type { AddressSet } from "./addresses.ts";
import { type RawHeaders, singleHeader, valuesOf } from "./forwarded.ts";
import { createSecretComparison } from "./shared-secret.ts";
import type { Vouched } from "./vouched.ts";

/** Longest name of a user, UTF-16 units: e-mail addresses have at most 254 (RFC 5321). */
const MAX_USER_CHARS = 256;

/** `gateway.auth.trustedProxy`, with its secret. Header names in lower case. */
export interface TrustedProxySettings {
  readonly userHeader: string;
  readonly secretHeader: string;
  readonly secret: string;
  /** Empty: everybody whom the proxy lets through. */
  readonly allowUsers: readonly string[];
}

/**
 * Whom a proxy vouches for. An address of `gateway.trustedProxies` is not enough, since any program on the proxy's host has
 * it, too: the proxy shows a secret of its own with every request (CVE-2026-53832). A user named twice is nobody.
 */
export function createProxyVouching(
  settings: TrustedProxySettings,
  trusted: AddressSet,
): (socketAddress: string, raw: RawHeaders) => Vouched {
  const isSecret = createSecretComparison(settings.secret);
  const allowed = new Set(settings.allowUsers);
  return (socketAddress, raw) => {
    if (!trusted.has(socketAddress)) return { is: "fault", reason: "proxy_untrusted" };
    if (valuesOf(raw, settings.secretHeader).length === 0) return { is: "fault", reason: "proxy_secret_missing" };
    const shown = singleHeader(raw, settings.secretHeader);
    if (shown === undefined || !isSecret(shown)) return { is: "fault", reason: "proxy_secret_mismatch" };
    const user = singleHeader(raw, settings.userHeader);
    if (user === undefined || user.length > MAX_USER_CHARS) return { is: "fault", reason: "proxy_user_missing" };
    if (allowed.size > 0 && !allowed.has(user)) return { is: "fault", reason: "proxy_user_not_allowed" };
    return { is: "user", user };
  };
}

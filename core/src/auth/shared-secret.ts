import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** How clients prove themselves (`gateway.auth.mode`). */
export type AuthModeName = "token" | "password" | "trusted-proxy" | "tailscale" | "none";

/**
 * The shared secret behind `gateway.auth.mode`. In modes `trusted-proxy` and `tailscale` the token is for programs on the
 * gateway's own host, which come neither through the proxy nor over the tailnet. `none` is for a gateway that listens on
 * loopback only: there every connection must still sign with a device.
 */
export type AuthMode =
  | { readonly mode: "token" | "trusted-proxy" | "tailscale"; readonly token: string | undefined }
  | { readonly mode: "password"; readonly password: string | undefined }
  | { readonly mode: "none" };

/** Why a presented secret did not authenticate; `*_not_configured` is the gateway's own fault. */
export type SecretFault =
  | "token_missing"
  | "token_mismatch"
  | "token_not_configured"
  | "password_missing"
  | "password_mismatch"
  | "password_not_configured";

export type SecretVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: SecretFault };

export interface PresentedSecrets {
  readonly token?: string | undefined;
  readonly password?: string | undefined;
}

/** Checks what a client presents against `gateway.auth`. In mode `none` there is no secret, so nothing is ever refused here. */
export type SecretCheck = (presented: PresentedSecrets) => SecretVerdict;

const OK: SecretVerdict = { ok: true };

/** A comparison that takes the same time wherever two secrets differ and whatever their lengths: of keyed digests. */
export function createSecretComparison(secret: string): (given: string) => boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}

export function createSecretCheck(auth: AuthMode): SecretCheck {
  if (auth.mode === "none") return () => OK;
  const kind = auth.mode === "password" ? "password" : "token";
  const secret = auth.mode === "password" ? auth.password : auth.token;
  // A blank secret would let a blank token in.
  if (secret === undefined || secret === "") {
    const refused: SecretVerdict = { ok: false, reason: `${kind}_not_configured` };
    return () => refused;
  }
  const isSecret = createSecretComparison(secret);
  return (presented) => {
    const given = presented[kind];
    if (given === undefined || given === "") return { ok: false, reason: `${kind}_missing` };
    return isSecret(given) ? OK : { ok: false, reason: `${kind}_mismatch` };
  };
}

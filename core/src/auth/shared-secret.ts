import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * How the gateway authenticates (`gateway.auth`). `none` is for a gateway that listens on loopback only: there every
 * connection must still sign with a device.
 */
export type AuthMode =
  | { readonly mode: "token"; readonly token: string | undefined }
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

/** A check that takes the same time wherever two secrets differ and whatever their lengths: it compares keyed digests. */
export function createSecretCheck(auth: AuthMode): SecretCheck {
  if (auth.mode === "none") return () => OK;
  const secret = auth.mode === "token" ? auth.token : auth.password;
  // A blank secret would let a blank token in.
  if (secret === undefined || secret === "") {
    const refused: SecretVerdict = { ok: false, reason: `${auth.mode}_not_configured` };
    return () => refused;
  }
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const expected = digest(secret);
  return (presented) => {
    const given = auth.mode === "token" ? presented.token : presented.password;
    if (given === undefined || given === "") return { ok: false, reason: `${auth.mode}_missing` };
    return timingSafeEqual(digest(given), expected) ? OK : { ok: false, reason: `${auth.mode}_mismatch` };
  };
}

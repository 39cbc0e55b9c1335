/**
 * Encodings of the points of small order on Curve25519's Edwards form, sign bit cleared. A signature under such a key can
 * be made without a private key and fits any text, so OpenSSL's verdict on it means nothing. Source: the block list of
 * libsodium, https://github.com/jedisct1/libsodium/blob/master/src/libsodium/crypto_core/ed25519/ref10/ed25519_ref10.c
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

const LAST_BYTE = 31;
const WITHOUT_SIGN = 0x7f;

/** True for a raw Ed25519 public key that no honest key pair has. */
export function isSmallOrder(rawPublicKey: Uint8Array): boolean {
  const masked = Buffer.from(rawPublicKey);
  masked[LAST_BYTE] = (masked[LAST_BYTE] ?? 0) & WITHOUT_SIGN;
  return SMALL_ORDER.has(masked.toString("hex"));
}

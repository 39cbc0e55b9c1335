/** 64 hex digits in lower case of a SHA-256 as people and tools write it (`AB:CD:..`, `sha256:abcd..`), else undefined. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text
    .trim()
    .replace(/^sha-?256( fingerprint)?[:=]/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}

/** `AB:CD:...`, as openssl and browsers show it. */
export const showFingerprint = (digits: string): string => (digits.match(/../g) ?? []).join(":").toUpperCase();

import type { Ids } from "../../base/ids.ts";

/** Without I, O, 0 and 1, which people mistake for one another. Source: wire protocol section 8.3. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH = 8;

/** A random code. The alphabet has 32 letters, so every byte's lower five bits choose one evenly. */
export function newPairingCode(ids: Pick<Ids, "token">): string {
  const bytes = Buffer.from(ids.token(LENGTH), "base64url");
  return [...bytes].map((byte) => ALPHABET[byte & 31]).join("");
}

/** A code as somebody typed it, in the form that is compared. */
export const normalCode = (typed: string): string => typed.trim().toUpperCase();

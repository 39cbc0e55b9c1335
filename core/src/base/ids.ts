import { randomBytes, randomInt, randomUUID } from "node:crypto";

/** Randomness as an argument, so that tests can predict ids. */
export interface Ids {
  uuid(): string;
  /** `bytes` random bytes as base64url without padding. */
  token(bytes: number): string;
  /** A number in [0, 1) for jitter. */
  fraction(): number;
}

const FRACTION_STEPS = 2 ** 32;

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  token: (bytes) => randomBytes(bytes).toString("base64url"),
  fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
};

import { randomInt } from "node:crypto";
import { describe, expect } from "vitest";
import { type Figures, runMatrix } from "../crash/matrix.ts";
import { verifies } from "./verifies.ts";

const KILLS = 60;
/** It takes about 45 s on two cores; other tests run beside it. */
const TIMEOUT_MS = 300_000;

const seed = randomInt(2 ** 31);
const repeat = `to run it again: npm run test:crash -- ${KILLS} ${seed}`;

let running: Promise<Figures> | undefined;

/** One matrix for all that is asked about it. */
async function matrix(): Promise<Figures> {
  running ??= runMatrix({ kills: KILLS, seed }).catch((error: unknown) => {
    throw new Error(repeat, { cause: error });
  });
  return running;
}

/** Wrong at these accounts. */
const wrong = ({ lost, doubled, faults }: Figures, accounts: string) =>
  [...lost, ...doubled, ...faults].filter((sentence) => sentence.includes(accounts));

describe("a gateway that is killed", () => {
  verifies(
    "telegram:crash",
    async () => {
      expect(wrong(await matrix(), "telegram/"), repeat).toEqual([]);
    },
    TIMEOUT_MS,
  );

  verifies(
    "crash:matrix",
    async () => {
      const figures = await matrix();
      expect(wrong(figures, ""), repeat).toEqual([]);
      expect(figures.kills).toBe(KILLS);
      // Otherwise the kills came at moments that prove nothing.
      const { messages, chats, inTheAir, cutShort, edits } = figures;
      expect(Math.min(messages, chats, inTheAir, cutShort, edits), repeat).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

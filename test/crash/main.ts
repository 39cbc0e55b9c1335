/**
 * The long crash matrix: `npm run test:crash [-- <kills> [<seed>]]`. Prints its figures; exits 1 when a message was lost or
 * doubled, or the ledger differs from the platforms' record.
 */
import { randomInt } from "node:crypto";
import { runMatrix } from "./matrix.ts";

const KILLS = 1_000;
/** Progress is told after so many kills. */
const STEP = 50;

const [kills = KILLS, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number);
const say = (line: string) => process.stdout.write(`${line}\n`);

say(`crash matrix: ${kills} kills, seed ${seed}`);
const progress = (done: number) => void (done % STEP === 0 && say(`${done} kills`));
const { lost, doubled, faults, unknown, parked, ...figures } = await runMatrix({ kills, seed, progress });
for (const sentence of unknown) say(`unknown: ${sentence}`);
for (const event of parked) say(`parked: ${event} was in hand at too many kills`);
for (const sentence of lost) say(`LOST: ${sentence}`);
for (const sentence of doubled) say(`DOUBLED: ${sentence}`);
for (const sentence of faults) say(`FAULT: ${sentence}`);
say(
  JSON.stringify({
    ...figures,
    lost: lost.length,
    doubled: doubled.length,
    unknown: unknown.length,
    parked: parked.length,
    faults: faults.length,
  }),
);
if (lost.length + doubled.length + faults.length > 0) process.exitCode = 1;

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
const startedAt = performance.now();

function progress(done: number): void {
  if (done % STEP === 0) say(`${done} kills after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
}

say(`crash matrix: ${kills} kills, seed ${seed}`);
const figures = await runMatrix({ kills, seed, progress });
const { lost, doubled, faults, unknown, parked } = figures;
for (const sentence of unknown) say(`unknown: ${sentence}`);
for (const event of parked) say(`parked: ${event} was in hand at too many kills`);
for (const sentence of lost) say(`LOST: ${sentence}`);
for (const sentence of doubled) say(`DOUBLED: ${sentence}`);
for (const sentence of faults) say(`FAULT: ${sentence}`);

const rows: readonly (readonly [what: string, count: number])[] = [
  ["kills", figures.kills],
  ...[...figures.stages].map(([stage, count]) => [`  ${stage}`, count] as const),
  ["state directories", figures.rounds],
  ["messages of people", figures.messages],
  ["messages of chat clients", figures.chats],
  ["parts sent", figures.parts],
  ["parts being sent at a kill", figures.inTheAir],
  ["runs cut short", figures.cutShort],
  ["drafts that a kill met", figures.drafts],
  ["edits of drafts", figures.edits],
  ["lost", lost.length],
  ["doubled", doubled.length],
  ["unknown, each listed above", unknown.length],
  ["parked after too many kills", parked.length],
  ["other differences", faults.length],
  ["seconds", Math.round(figures.ms / 1_000)],
];
for (const [what, count] of rows) say(`${what.padEnd(30)}${String(count).padStart(8)}`);
if (lost.length + doubled.length + faults.length > 0) process.exitCode = 1;

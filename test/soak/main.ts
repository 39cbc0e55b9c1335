/**
 * Many messages and many clients through one gateway, whose memory must not grow with them: `npm run soak [-- <messages>
 * [<reconnects>]]`. Prints what was there at every look; exits 1 when the gateway grew, or an answer has no receipt.
 */
import { type Look, soak } from "./soak.ts";

const MESSAGES = 200_000;
const RECONNECTS = 2_000;
const LOOKS = 8;
/** The first quarter: by then each conversation has gone on for a while, and what is hot is compiled. */
const WARM_UP = 2;
const IDLE_MS = 6_000;
/** From the end of the warm-up to the last look, bytes. */
const MAX_GROWTH = 5_000_000;

const [messages = MESSAGES, reconnects = RECONNECTS] = process.argv.slice(2).map(Number);
const say = (line: string) => process.stdout.write(`${line}\n`);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

const COLUMNS: readonly (readonly [title: string, of: (look: Look) => string])[] = [
  ["messages", (look) => String(look.messages)],
  ["reconnects", (look) => String(look.visits)],
  ["messages/s", (look) => look.perSecond.toFixed(0)],
  ["gateway at rest", (look) => megabytes(look.atRest)],
  ["collected", (look) => megabytes(look.gateway)],
  ["heap", (look) => megabytes(look.heap)],
  ["guests", (look) => look.guests.map(megabytes).join(" + ")],
  ["database", (look) => megabytes(look.database)],
];
const line = (of: (column: (typeof COLUMNS)[number]) => string) =>
  COLUMNS.map((column) => of(column).padStart(Math.max(10, column[0].length))).join("  ");

say(`soak: ${messages} messages, ${reconnects} reconnects; memory and database in MB`);
say(line(([title]) => title));
const onLook = (look: Look) => say(line(([, of]) => of(look)));
const options = { messages, reconnects, looks: LOOKS, warmUp: WARM_UP, idleMs: IDLE_MS, onLook };
const { parts, growth, ms } = await soak(options);
const sent = parts["sent"] ?? 0;
const wellSent = sent === messages && Object.keys(parts).length === 1;
say(`${sent} answers have a receipt, in ${Math.round(ms / 1_000)} s: ${JSON.stringify(parts)}`);
say(
  `the gateway grew by ${megabytes(growth)} MB since look ${WARM_UP}, the end of the warm-up; allowed are ${megabytes(MAX_GROWTH)}`,
);
if (growth >= MAX_GROWTH || !wellSent) process.exitCode = 1;

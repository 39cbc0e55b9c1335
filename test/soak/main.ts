/**
 * Many messages and many clients through one gateway, whose memory must not grow with them: `npm run soak [-- <messages>
 * [<reconnects>]]`. Prints what was there at every look; exits 1 when the gateway grew, or an answer has no receipt.
 */
import { type Look, soak } from "./soak.ts";

const MESSAGES = 200_000;
const RECONNECTS = 2_000;
const LOOKS = 8;
const IDLE_MS = 6_000;
/** From the end of the warm-up, which is the first look, to the last look, bytes. */
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
const { looks, parts, growth, ms } = await soak({ messages, reconnects, looks: LOOKS, idleMs: IDLE_MS, onLook });
const sent = parts["sent"] ?? 0;
const wellSent = sent === messages && Object.keys(parts).length === 1;
say(`${sent} answers have a receipt, in ${Math.round(ms / 1_000)} s: ${JSON.stringify(parts)}`);
say(`the gateway grew by ${megabytes(growth)} MB since the warm-up, ${looks.length - 1} looks ago`);
if (growth >= MAX_GROWTH || !wellSent) process.exitCode = 1;

/**
 * What the gateway carries on this machine, beside the barest loops that do a part of its work: `npm run load`. A missed goal
 * is printed and fails nothing: figures depend on the machine.
 */
import { type Figure, percentile, table } from "./figures.ts";
import { groupCommits } from "./group-commit.ts";
import { loadHalfOpen } from "./half-open.ts";
import { floodInbound } from "./inbound.ts";
import { echoes } from "./raw.ts";
import { loadWire } from "./wire.ts";

const WIDTH = 16;

const commits = await groupCommits(WIDTH);
const raw = await echoes(WIDTH);
const wire = await loadWire(WIDTH);
const inbound = await floodInbound();
const halfOpen = await loadHalfOpen(10_000);

const figures: Figure[] = [
  { what: `raw node:sqlite group commits, ${WIDTH} writers`, value: commits, unit: "rows/s" },
  { what: `raw ws echo, 1x${WIDTH}`, value: raw, unit: "round trips/s" },
  { what: `chat.inject, 1x${WIDTH}`, value: wire.injects, unit: "/s", goal: { is: "at least", value: 10_000 } },
  {
    what: "chat.inject against raw group commits",
    value: wire.injects / commits,
    unit: "times",
    goal: { is: "at least", value: 0.3 },
  },
  {
    what: "inbound message to stored intent",
    value: inbound.perSecond,
    unit: "/s",
    goal: { is: "at least", value: 5_000 },
  },
  {
    what: "event loop delay meanwhile, p99",
    value: inbound.loopDelayMs,
    unit: "ms",
    goal: { is: "at most", value: 20 },
  },
  {
    what: "chat.send to final, p50",
    value: percentile(wire.sendsMs, 0.5),
    unit: "ms",
    goal: { is: "at most", value: 5 },
  },
  { what: "chat.send to final, p99", value: percentile(wire.sendsMs, 0.99), unit: "ms" },
  {
    what: `status of an authenticated client while ${halfOpen.opened.toLocaleString("en")} half-open sockets are tried, p99`,
    value: percentile(halfOpen.callsMs, 0.99),
    unit: "ms",
    goal: { is: "at most", value: 50 },
  },
  { what: "most processor time at a stretch meanwhile", value: halfOpen.longestMs, unit: "ms" },
  {
    what: `page of a transcript of ${wire.transcript.toLocaleString("en")}, p50`,
    value: percentile(wire.pagesMs, 0.5),
    unit: "ms",
    goal: { is: "at most", value: 20 },
  },
];
process.stdout.write(`${table(figures)}\n`);

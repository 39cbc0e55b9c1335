import { type FuzzReport, fuzz } from "./fuzz.ts";

/** `node main.ts [frames] [seed]`: exits with 1 when a bound is broken. */
const [frames = "200000", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);

/**
 * Bounds: resident memory may grow by so many MiB after the first tenth, and a client's p99 may be so many ms. Measured 2026-11 on
 * 2 cores: memory levels off at 230 MiB after 150,000 frames and stays there up to 400,000.
 */
const MAX_GROWTH_MIB = 96;
const MAX_P99_MS = 50;

const report: FuzzReport = await fuzz({ frames: Number(frames), seed: Number(seed) });
const [before, after] = report.memoryMib;
const broken = [
  ...(after - before > MAX_GROWTH_MIB ? [`memory grew by ${Math.round(after - before)} MiB`] : []),
  ...(report.p99Ms > MAX_P99_MS ? [`the bystander's p99 was ${Math.round(report.p99Ms)} ms`] : []),
];
process.stdout.write(`${JSON.stringify({ seed, ...report, broken }, null, 2)}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;

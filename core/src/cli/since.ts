import { usage } from "./failure.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `90s`, `30m`, `2h`, `7d` as so long before `now`, anything else as a date; the result is epoch ms. */
export function parseSince(text: string, now: number): number {
  const span = /^(?<count>\d{1,6})(?<unit>[smhd])$/u.exec(text.trim())?.groups;
  const unit = UNITS[span?.["unit"] ?? ""];
  const at = unit === undefined ? Date.parse(text) : now - Number(span?.["count"]) * unit;
  if (Number.isFinite(at)) return Math.max(0, at);
  throw usage(`--since takes 30m, 2h, 7d or a date like 2026-01-31, not "${text}"`);
}

import { printable } from "../../base/printable.ts";
import { EXIT, type ExitCode } from "../failure.ts";

export const SEVERITIES = ["info", "warn", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that makes the gateway easier to attack than it need be. Carries no secret. */
export interface Finding {
  readonly severity: Severity;
  /** What was looked at, for programs: `files`, `secrets`... */
  readonly check: string;
  readonly message: string;
  /** What to do. */
  readonly fix: string;
  /** Set when `--fix` can do it. */
  readonly chmod?: { readonly path: string; readonly mode: number };
}

/** Worst first. */
export const sorted = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));

/** 0 when nothing is worse than info, 4 for warnings, 1 when anything is critical. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ severity }) => severity === "critical")) return EXIT.failed;
  return findings.some(({ severity }) => severity === "warn") ? EXIT.warned : EXIT.ok;
}

/** Findings of one check told to people by name; `--json` tells all. */
const MAX_TOLD = 10;

/** Two lines a finding. */
export function findingsText(findings: readonly Finding[]): string {
  if (findings.length === 0) return "nothing found\n";
  const told = new Map<string, number>();
  const shown = findings.filter(({ check }) => {
    told.set(check, (told.get(check) ?? 0) + 1);
    return (told.get(check) ?? 0) <= MAX_TOLD;
  });
  const lines = shown.map(
    ({ severity, check, message, fix }) => `${severity} ${check}: ${printable(message)}\n  ${printable(fix)}\n`,
  );
  const hidden = findings.length - shown.length;
  return `${lines.join("")}${hidden === 0 ? "" : `and ${hidden} more like these, see --json\n`}`;
}

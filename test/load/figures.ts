/** One measured number beside what the project promises. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Absent for what is only measured to compare with. */
  readonly goal?: { readonly is: "at least" | "at most"; readonly value: number };
}

const rounded = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2));

function verdict({ goal, value }: Figure): string {
  if (goal === undefined) return "";
  return (goal.is === "at least" ? value >= goal.value : value <= goal.value) ? "met" : "missed";
}

/** The value that a share of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A table of aligned columns. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${rounded(figure.value)} ${figure.unit}`,
    figure.goal === undefined ? "" : `${figure.goal.is} ${rounded(figure.goal.value)}`,
    verdict(figure),
  ]);
  const all = [["measured", "figure", "goal", ""], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

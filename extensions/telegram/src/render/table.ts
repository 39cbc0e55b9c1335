import type { Tokens } from "marked";

/** A table as lines of equal columns, for fixed-width type. Widths count code points, near enough for letters. */
export function tableLines(table: Tokens.Table): string[] {
  const rows = [table.header, ...table.rows].map((row) => row.map((cell) => cell.text));
  const widths = table.header.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));
  const lines = rows.map((row) =>
    widths
      .map((width, column) => pad(row[column] ?? "", width))
      .join(" | ")
      .trimEnd(),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("-+-");
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}

const widthOf = (text: string): number => Array.from(text).length;

const pad = (text: string, width: number): string => text + " ".repeat(width - widthOf(text));

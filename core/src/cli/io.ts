import textWidth from "./text-width.ts";

/** Everything a command touches of its process, so that tests can run commands too. */
export interface Io {
  /** Results. */
  out(text: string): void;
  /** Errors and hints. */
  err(text: string): void;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  readonly platform: string;
  readonly signals: {
    on(event: NodeJS.Signals | "uncaughtException" | "unhandledRejection", listener: (cause: unknown) => void): unknown;
    off(
      event: NodeJS.Signals | "uncaughtException" | "unhandledRejection",
      listener: (cause: unknown) => void,
    ): unknown;
  };
}

/** One JSON value a line. */
export const printJson = (io: Io, value: unknown): void => io.out(`${JSON.stringify(value)}\n`);

/** Rows in columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widths, row) => row.map((cell, column) => Math.max(widths[column] ?? 0, textWidth(cell))),
    [],
  );
  const pad = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - textWidth(cell));
  const line = (row: readonly string[]) => row.map(pad).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Whole standard input, without surrounding white space. */
export async function readStdin(io: Io): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of io.stdin)
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text.trim();
}

/** What one step of one client came to. */
interface Finding {
  readonly client: string;
  readonly step: string;
  readonly ok: boolean;
  /** What was measured, or why it failed. */
  readonly detail: string;
}

/** Notes what the clients of one run did. */
export interface Findings {
  readonly rows: readonly Finding[];
  /** Runs a step; its detail is what it returns. A step that throws is a failed one, and so are those that come after it. */
  step(client: string, step: string, run: () => Promise<string>): Promise<void>;
  failed(): number;
  table(): string;
}

/** Thrown to leave a client whose steps build on a failed one. */
export class GivenUp extends Error {}

/** More would make the table unreadable; the beginning says what it was. */
const MAX_DETAIL = 700;

const oneLine = (text: string): string => text.replaceAll(/\s+/gu, " ").trim().slice(0, MAX_DETAIL);

export function createFindings(): Findings {
  const rows: Finding[] = [];
  const add = (row: Finding) => {
    rows.push({ ...row, detail: oneLine(row.detail) });
    process.stdout.write(`${row.ok ? "  ok  " : "FAILED"} ${row.client}: ${row.step}: ${oneLine(row.detail)}\n`);
  };
  return {
    rows,
    async step(client, step, run) {
      const startedAt = performance.now();
      try {
        const detail = await run();
        add({
          client,
          step,
          ok: true,
          detail: `${detail} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`,
        });
      } catch (error) {
        add({ client, step, ok: false, detail: error instanceof Error ? error.message : String(error) });
        throw new GivenUp(`${client}: ${step}`);
      }
    },
    failed: () => rows.filter(({ ok }) => !ok).length,
    table() {
      const width = (of: (row: Finding) => string) => Math.max(...rows.map((row) => of(row).length), 0);
      const [clients, steps] = [width((row) => row.client), width((row) => row.step)];
      const line = (row: Finding) =>
        `${row.client.padEnd(clients)}  ${row.step.padEnd(steps)}  ${row.ok ? "ok    " : "FAILED"}  ${row.detail}`;
      return rows.map(line).join("\n");
    },
  };
}

/** Throws the sentence unless it holds. */
export function expect(holds: boolean, sentence: () => string): void {
  if (!holds) throw new Error(sentence());
}

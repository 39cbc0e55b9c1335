import type { MessageLine } from "./line/line.ts";

/**
 * Where a guest runs. `process` is the default; `inline` is for tests and debugging and protects from nothing
 * (ARCHITECTURE.md, Guests).
 */
export type Isolation = "inline" | "process";

/** How a guest ended; both null when it never started. */
export interface GuestExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last words on stderr or in a `fault` note, for the reason shown to the operator. */
  readonly lastWords?: string;
}

/** A running guest, seen from the host: its line, and its life. */
export interface Carrier {
  readonly isolation: Isolation;
  readonly line: MessageLine;
  readonly pid: number | undefined;
  /** Settles once, when the guest is gone for whatever reason. Never rejects. */
  readonly exited: Promise<GuestExit>;
  /** Ends the guest without asking it. */
  kill(): void;
}

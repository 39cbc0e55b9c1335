const BRAND: unique symbol = Symbol.for("openclaw-host.line-error") as never;

/**
 * Why a call over the line has no answer of the other side:
 * - `down`: the other side is not running; the call never left and may be repeated.
 * - `lost`: the other side died while the call was under way; what it did is unknown.
 * - `timeout`: the deadline passed; what it did is unknown.
 * - `aborted`: the caller gave up and no answer came within the grace period.
 * - `refused`: what came back does not have the shape of an answer.
 * - `busy`: too many calls are under way.
 */
export type LineErrorCode = "down" | "lost" | "timeout" | "aborted" | "refused" | "busy";

export class LineError extends Error {
  override readonly name = "LineError";
  readonly code: LineErrorCode;
  constructor(code: LineErrorCode, message: string) {
    super(message);
    Object.defineProperty(this, BRAND, { value: true });
    this.code = code;
  }

  /** True when the same call may be made again without doing anything twice. */
  get retryable(): boolean {
    return this.code === "down" || this.code === "busy";
  }
}

export function isLineError(error: unknown): error is LineError {
  return typeof error === "object" && error !== null && BRAND in error;
}

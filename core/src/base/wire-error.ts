import { ERROR_CODES, type ErrorCode } from "openclaw-host-schemas";

const BRAND: unique symbol = Symbol.for("openclaw-host.wire-error") as never;

export interface WireErrorOptions {
  readonly details?: unknown;
  readonly retryable?: boolean;
  /** Milliseconds. */
  readonly retryAfterMs?: number;
  /**
   * True when somebody may still change what came of the request, so that a repeat under the same key asks the handler again
   * instead of being told this. Never on the wire. Default false.
   */
  readonly passing?: boolean;
}

/** An error meant for the client, sent as it is. Anything else a handler throws is a bug and becomes `UNAVAILABLE`. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: ErrorCode;
  readonly options: WireErrorOptions;
  constructor(code: ErrorCode, message: string = ERROR_CODES[code].sentence, options: WireErrorOptions = {}) {
    super(message);
    Object.defineProperty(this, BRAND, { value: true });
    this.code = code;
    this.options = options;
  }
}

export function isWireError(error: unknown): error is WireError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** The commonest refusal. */
export const invalidRequest = (message: string, details?: unknown): WireError =>
  new WireError("INVALID_REQUEST", message, details === undefined ? {} : { details });

import type { ErrorCode } from "openclaw-host-schemas";

const BRAND: unique symbol = Symbol.for("openclaw-host.gateway-error") as never;

/**
 * Why a call failed on this side of the wire:
 * - `UNREACHABLE`: no connection could be opened;
 * - `CONNECTION_CLOSED`: the connection ended before the answer came, so the outcome is unknown to this side;
 * - `TIMEOUT`: no answer in time, outcome unknown;
 * - `ABORTED`: the caller's signal, outcome unknown;
 * - `CLOSED`: `close()` was called;
 * - `CERTIFICATE_MISMATCH`: the peer's certificate is not the pinned one, and nothing was sent to it;
 * - `PROTOCOL`: the peer is not a gateway, or speaks another version.
 */
export type LocalErrorCode =
  | "UNREACHABLE"
  | "CONNECTION_CLOSED"
  | "TIMEOUT"
  | "ABORTED"
  | "CLOSED"
  | "CERTIFICATE_MISMATCH"
  | "PROTOCOL";

/** `code` of an error that a gateway answered; newer gateways may send codes that this package does not list. */
export type GatewayErrorCode = ErrorCode | LocalErrorCode | (string & {});

export interface GatewayErrorData {
  readonly code: GatewayErrorCode;
  readonly message: string;
  readonly details?: unknown;
  /** True when the same call may succeed later, unchanged. Default false. */
  readonly retryable?: boolean;
  /** Wait at least so long before repeating, ms. */
  readonly retryAfterMs?: number;
}

/** Every failure of a client call. Recognise it with `isGatewayError`, since this package may exist twice in a process. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly details: unknown;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(data: GatewayErrorData) {
    super(data.message);
    Object.defineProperty(this, BRAND, { value: true });
    this.code = data.code;
    this.details = data.details;
    this.retryable = data.retryable ?? false;
    this.retryAfterMs = data.retryAfterMs;
  }
}

/** Narrows by brand, whichever copy of the SDK made the error. */
export function isGatewayError(error: unknown): error is GatewayError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** What every call gets after `close()`. */
export const closedByCaller = (): GatewayError =>
  new GatewayError({ code: "CLOSED", message: "this client was closed: create another one" });

/** Whatever was thrown, as a `GatewayError`. */
export function toGatewayError(error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new GatewayError({ code: "PROTOCOL", message: `the client failed: ${message}` });
}

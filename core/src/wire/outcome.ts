import { ERROR_CODES, type ErrorCode, type ErrorShape } from "openclaw-host-schemas";
import { WireError, isWireError } from "../base/wire-error.ts";
import { isStoreError } from "../store/store-error.ts";

/** What came of a request, in canonical form: each connection's dialect encodes it. Survives JSON. */
export type Outcome =
  | { readonly ok: true; readonly payload: unknown }
  | {
      readonly ok: false;
      readonly error: ErrorShape;
      /** A failed run is described beside its error (wire protocol 4.2). */
      readonly payload?: unknown;
      /** See `WireErrorOptions`. */
      readonly passing?: boolean;
    };

/** Statuses of a payload that only says that the work goes on. */
const UNFINISHED: ReadonlySet<unknown> = new Set(["accepted", "started", "in_flight"]);

const statusOf = (payload: unknown): unknown =>
  typeof payload === "object" && payload !== null && "status" in payload ? payload.status : undefined;

/** True when a repeat of the request may be told this again. */
export function isPermanent(outcome: Outcome): boolean {
  if (outcome.ok) return !UNFINISHED.has(statusOf(outcome.payload));
  if (outcome.passing === true) return false;
  if (outcome.payload !== undefined) return true;
  const code = outcome.error.code as ErrorCode;
  return !(outcome.error.retryable ?? ERROR_CODES[code].retryable);
}

/** A handler's result. A side effect that went wrong says so in `status` and is a failure on the wire (wire protocol 4.2). */
export function succeeded(payload: unknown, isDurable: boolean): Outcome {
  if (!isDurable || statusOf(payload) !== "error") return { ok: true, payload };
  const summary: unknown =
    typeof payload === "object" && payload !== null && "summary" in payload ? payload.summary : undefined;
  const message = typeof summary === "string" && summary !== "" ? summary : "the run failed";
  return { ok: false, payload, error: { code: "UNAVAILABLE", message } };
}

const BUG = new WireError("UNAVAILABLE", "the gateway failed at this request: its log says why");

/** When a disk that failed is worth another try, ms. */
const DISK_RETRY_MS = 2_000;

/** A disk that fails is told with its reason: the owner can mend it, and the request may be made again. */
function diskError(error: unknown): WireError | undefined {
  if (!isStoreError(error) || (error.kind !== "full" && error.kind !== "io")) return undefined;
  return new WireError("UNAVAILABLE", error.message, { retryable: true, retryAfterMs: DISK_RETRY_MS });
}

/** An error as the client may see it: refusals as they are, bugs without their text, which may hold anything. */
export function failed(error: unknown): Outcome & { readonly ok: false } {
  const known = isWireError(error) ? error : (diskError(error) ?? BUG);
  const { details, retryable, retryAfterMs, passing } = known.options;
  return {
    ok: false,
    ...(passing === undefined ? {} : { passing }),
    error: {
      code: known.code,
      message: known.message,
      ...(details === undefined ? {} : { details }),
      ...(retryable === undefined ? {} : { retryable }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  };
}

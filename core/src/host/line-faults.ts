import { ConnectError, SendError } from "openclaw-host-sdk";
import { isWireError } from "../base/wire-error.ts";
import { isLineError } from "./line/line-error.ts";

/** A part whose guest is down may be offered again after this, ms. */
const RETRY_AFTER_MS = 1_000;

/**
 * What a broken line means for a message: it never left when the guest was down before the call; otherwise the platform may
 * have it, and only the platform knows.
 */
export function sendFault(error: unknown): unknown {
  if (!isLineError(error)) return error;
  return error.retryable
    ? new SendError(error.message, { fate: "not-sent", scope: "account", retryAfterMs: RETRY_AFTER_MS })
    : new SendError(error.message, { fate: "unknown", scope: "message" });
}

/** Waiting for a store that failed, ms. */
const STORE_RETRY_MS = 5_000;

/** What it means when the files of a message cannot be handed to the guest: the message has not left, and without a file never will. */
export function grantFault(error: unknown): SendError {
  const message = error instanceof Error ? error.message : String(error);
  return isWireError(error)
    ? new SendError(message, { fate: "rejected", scope: "message" })
    : new SendError(message, { fate: "not-sent", scope: "account", retryAfterMs: STORE_RETRY_MS });
}

/** A connection that could not be made because of the guest is worth another try. */
export function connectFault(error: unknown): unknown {
  if (!isLineError(error)) return error;
  return new ConnectError({ retry: "backoff", code: `guest-${error.code}`, detail: error.message });
}

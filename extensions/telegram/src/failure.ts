import { GrammyError, HttpError } from "grammy";
import { ForeignAnswer } from "./http.ts";

/** What went wrong with one Bot API call, in the terms that decide what to do next. */
export type Failure =
  /** The Bot API refused. Fields: https://core.telegram.org/bots/api#responseparameters */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly description: string;
      readonly retryAfterMs?: number;
      /** The group's new chat id. */
      readonly movedTo?: string;
    }
  /** Something that is not a Bot API server answered. */
  | { readonly kind: "foreign"; readonly status: number; readonly description: string }
  /** No connection was made, so the request never left. */
  | { readonly kind: "unreachable"; readonly description: string }
  /** The connection broke or the deadline passed after the request may have left. */
  | { readonly kind: "lost"; readonly description: string };

/**
 * Codes of failures before the first byte of a request is written. Sources:
 * https://nodejs.org/api/errors.html#common-system-errors, https://undici.nodejs.org/#/docs/api/Errors
 */
const BEFORE_CONNECT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** Sorts anything a Bot API call throws. What is not understood counts as `lost`, the cautious reading. */
export function classify(error: unknown): Failure {
  if (error instanceof GrammyError) {
    const { retry_after: seconds, migrate_to_chat_id: movedTo } = error.parameters;
    return {
      kind: "answer",
      status: error.error_code,
      description: error.description,
      ...(typeof seconds === "number" ? { retryAfterMs: seconds * 1_000 } : {}),
      ...(movedTo === undefined ? {} : { movedTo: String(movedTo) }),
    };
  }
  const cause = error instanceof HttpError ? error.error : error;
  if (cause instanceof ForeignAnswer) return { kind: "foreign", status: cause.status, description: cause.message };
  const code = codeOf(cause);
  if (code !== undefined && BEFORE_CONNECT.has(code)) {
    return { kind: "unreachable", description: `the Bot API server cannot be reached (${code})` };
  }
  return {
    kind: "lost",
    description: `the connection to the Bot API server broke${code === undefined ? "" : ` (${code})`}`,
  };
}

/** The nearest `code` along the chain of causes; `fetch` wraps the socket's error once or twice. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.name === "AbortError") return "ABORTED";
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return codeOf(inner, depth + 1);
}

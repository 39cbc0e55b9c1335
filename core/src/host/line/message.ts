import type { ErrorData } from "openclaw-host-sdk";

/**
 * What crosses the line. A call is answered once, with a value or with an error as data (a class would lose its code and
 * its fields on the way). `timeoutMs` is relative, so that the two sides need not agree on the time. A note has no answer.
 */
export type LineMessage =
  | {
      readonly t: "call";
      readonly id: number;
      readonly method: string;
      readonly params: unknown;
      readonly timeoutMs: number;
    }
  | { readonly t: "abort"; readonly id: number }
  | { readonly t: "value"; readonly id: number; readonly value: unknown }
  | { readonly t: "error"; readonly id: number; readonly error: ErrorData }
  | { readonly t: "note"; readonly method: string; readonly params: unknown };

/** The words of the contract, as the other side may or may not use them. */
const FATES: readonly unknown[] = ["not-sent", "unknown", "rejected"];
const SCOPES: readonly unknown[] = ["message", "peer", "account"];
const RETRIES: readonly unknown[] = ["now", "backoff", "never"];
const PEER_KINDS: readonly unknown[] = ["dm", "group", "channel"];
/** Of an error's message and stack; the rest is cut off. */
const MAX_TEXT_CHARS = 16_384;
/** SDK contract, `Peer`; a character has at least a byte. */
const MAX_ID_CHARS = 512;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isDelay = (value: unknown): boolean => value === undefined || (typeof value === "number" && value >= 0);
const isText = (value: unknown): value is string => typeof value === "string";
const isId = (value: unknown): boolean => isText(value) && value !== "" && value.length <= MAX_ID_CHARS;

/** A message is sent on to this peer and the peer is stored with it, so nothing else may come along. */
const isPeer = (value: unknown): boolean =>
  isFields(value) &&
  PEER_KINDS.includes(value["kind"]) &&
  isId(value["id"]) &&
  (value["threadId"] === undefined || isId(value["threadId"])) &&
  (value["label"] === undefined || (isText(value["label"]) && value["label"].length <= MAX_TEXT_CHARS)) &&
  Object.keys(value).every((key) => ["kind", "id", "threadId", "label"].includes(key));

/** The retry logic believes these fields, so each is looked at. */
function isSendData(data: Fields): boolean {
  const moved = data["movedTo"];
  return (
    FATES.includes(data["fate"]) &&
    SCOPES.includes(data["scope"]) &&
    isDelay(data["retryAfterMs"]) &&
    (moved === undefined || isPeer(moved))
  );
}

/** True for the contract's `Closed`. */
export function isClosed(value: unknown): boolean {
  return (
    isFields(value) &&
    RETRIES.includes(value["retry"]) &&
    isText(value["code"]) &&
    isText(value["detail"]) &&
    (value["fix"] === undefined || isText(value["fix"])) &&
    isDelay(value["retryAfterMs"])
  );
}

/** The known kinds of error keep their data; everything else is a plain error, whatever it claims to be. */
function parseError(value: unknown): ErrorData {
  if (!isFields(value)) return { code: "Error", message: "the other side failed without saying why" };
  const message = isText(value["message"]) ? value["message"].slice(0, MAX_TEXT_CHARS) : "no message";
  const data = value["data"];
  const known = isFields(data) && value["code"];
  const valid =
    (known === "SendError" && isSendData(data as Fields)) ||
    (known === "ConnectError" && isClosed((data as Fields)["closed"])) ||
    (known === "ReceiveError" && typeof (data as Fields)["retryAfterMs"] === "number");
  if (valid) return { code: known, message, data } as ErrorData;
  const stack = value["stack"];
  return { code: "Error", message, ...(isText(stack) ? { stack: stack.slice(0, MAX_TEXT_CHARS) } : {}) };
}

/** The message, or undefined when it is none: the other side may send anything. */
export function parseMessage(raw: unknown): LineMessage | undefined {
  if (!isFields(raw)) return undefined;
  const { t, id, method, params, timeoutMs } = raw;
  if (t === "note") return isText(method) ? { t, method, params } : undefined;
  if (typeof id !== "number") return undefined;
  switch (t) {
    case "call":
      return isText(method) && typeof timeoutMs === "number" ? { t, id, method, params, timeoutMs } : undefined;
    case "abort":
      return { t, id };
    case "value":
      return { t, id, value: raw["value"] };
    case "error":
      return { t, id, error: parseError(raw["error"]) };
    default:
      return undefined;
  }
}

import type { Closed, Peer } from "./vocabulary.ts";

/**
 * Errors are recognised by this brand and their `code`, never by class: the SDK may exist twice in a process
 * (the host's copy and the extension's own).
 */
const BRAND: unique symbol = Symbol.for("openclaw-host.error") as never;

interface ContractErrorData {
  SendError: {
    /** `not-sent` may be retried, `rejected` is final, `unknown` is reconciled or parked. */
    readonly fate: "not-sent" | "unknown" | "rejected";
    readonly scope: "message" | "peer" | "account";
    readonly retryAfterMs?: number;
    readonly movedTo?: Peer;
  };
  ConnectError: { readonly closed: Closed };
  ReceiveError: { readonly retryAfterMs: number };
}

export type ContractErrorCode = keyof ContractErrorData;

abstract class ContractError<C extends ContractErrorCode> extends Error {
  abstract readonly code: C;
  abstract readonly data: ContractErrorData[C];
  constructor(message: string) {
    super(message);
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** A send that failed, with what is known about the message's fate. */
export class SendError extends ContractError<"SendError"> {
  override readonly name = "SendError";
  readonly code = "SendError" as const;
  readonly data: ContractErrorData["SendError"];
  constructor(message: string, data: ContractErrorData["SendError"]) {
    super(message);
    this.data = data;
  }
}

/** `connect` failed; `closed` says whether and when to try again. */
export class ConnectError extends ContractError<"ConnectError"> {
  override readonly name = "ConnectError";
  readonly code = "ConnectError" as const;
  readonly data: ContractErrorData["ConnectError"];
  constructor(closed: Closed) {
    super(closed.detail);
    this.data = { closed };
  }
}

/** The host could not store an inbound event: do not acknowledge it to the platform, offer it again after `retryAfterMs`. */
export class ReceiveError extends ContractError<"ReceiveError"> {
  override readonly name = "ReceiveError";
  readonly code = "ReceiveError" as const;
  readonly data: ContractErrorData["ReceiveError"];
  constructor(message: string, data: ContractErrorData["ReceiveError"]) {
    super(message);
    this.data = data;
  }
}

/** An error as it crosses between host and guest. Plain errors (bugs) have code `Error` and no data. */
export type ErrorData =
  | {
      [C in ContractErrorCode]: { readonly code: C; readonly message: string; readonly data: ContractErrorData[C] };
    }[ContractErrorCode]
  | { readonly code: "Error"; readonly message: string; readonly stack?: string };

function isContractError(error: unknown): error is SendError | ConnectError | ReceiveError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** Turns anything thrown into data that survives `structuredClone`. */
export function errorToData(error: unknown): ErrorData {
  if (isContractError(error)) {
    switch (error.code) {
      case "SendError":
        return { code: error.code, message: error.message, data: error.data };
      case "ConnectError":
        return { code: error.code, message: error.message, data: error.data };
      case "ReceiveError":
        return { code: error.code, message: error.message, data: error.data };
    }
  }
  if (error instanceof Error) {
    return { code: "Error", message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
  }
  return { code: "Error", message: String(error) };
}

/** The inverse of `errorToData`. */
export function errorFromData(data: ErrorData): Error {
  switch (data.code) {
    case "SendError":
      return new SendError(data.message, data.data);
    case "ConnectError":
      return new ConnectError(data.data.closed);
    case "ReceiveError":
      return new ReceiveError(data.message, data.data);
    case "Error": {
      const error = new Error(data.message);
      if (data.stack !== undefined) error.stack = data.stack;
      return error;
    }
  }
}

/** Narrows by brand and code, whichever copy of the SDK made the error. */
export function isSendError(error: unknown): error is SendError {
  return isContractError(error) && error.code === "SendError";
}

export function isConnectError(error: unknown): error is ConnectError {
  return isContractError(error) && error.code === "ConnectError";
}

export function isReceiveError(error: unknown): error is ReceiveError {
  return isContractError(error) && error.code === "ReceiveError";
}

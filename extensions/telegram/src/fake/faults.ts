/**
 * What a fault script does to a call: `drop-response` performs it and hangs up, `disconnect` hangs up before, `reject` is a
 * 400, `rate-limit` a 429, `conflict` a 409, `unauthorized` a 401, `server-error` a 502, `slow` answers late, `hang` never.
 */
export type FaultKind =
  | "drop-response"
  | "reject"
  | "rate-limit"
  | "disconnect"
  | "slow"
  | "conflict"
  | "unauthorized"
  | "server-error"
  | "hang";

export interface FaultOptions {
  /** Only calls of this Bot API method, or `file` for downloads. Default: all calls. */
  readonly method?: string;
  /** How many calls are hit. Default 1. */
  readonly times?: number;
  /** Seconds a rate limit asks to wait. Default 1. */
  readonly retryAfter?: number;
  /** Delay of `slow`, ms. Default 500. */
  readonly delayMs?: number;
  /** HTTP status and error code of the refusal, instead of the kind's own. */
  readonly status?: number;
  /** Text of the refusal. */
  readonly description?: string;
  /** Extra `parameters` of the refusal, for example `migrate_to_chat_id`. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface Fault extends FaultOptions {
  readonly kind: FaultKind;
}

/** A refusal in the Bot API's own form: https://core.telegram.org/bots/api#making-requests */
export interface Refusal {
  readonly status: number;
  readonly description: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** The faults that are waiting for a call. */
export interface Faults {
  /** Adds a script; the result removes it. */
  add(fault: Fault): () => void;
  /** Takes the oldest script that applies to the method. */
  take(method: string): Fault | undefined;
}

export function createFaults(): Faults {
  const waiting: { fault: Fault; left: number }[] = [];
  const drop = (entry: (typeof waiting)[number]) => {
    const index = waiting.indexOf(entry);
    if (index >= 0) waiting.splice(index, 1);
  };
  return {
    add(fault) {
      const entry = { fault, left: fault.times ?? 1 };
      waiting.push(entry);
      return () => drop(entry);
    },
    take(method) {
      const entry = waiting.find(({ fault }) => fault.method === undefined || fault.method === method);
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) drop(entry);
      return entry.fault;
    },
  };
}

/** The answer of a fault that refuses the call; undefined for those that do something to the connection. */
export function refusalOf(fault: Fault): Refusal | undefined {
  const seconds = fault.retryAfter ?? 1;
  const refusals: Partial<Record<FaultKind, Refusal>> = {
    reject: { status: 400, description: "Bad Request: refused by a fault script" },
    "rate-limit": {
      status: 429,
      description: `Too Many Requests: retry after ${seconds}`,
      parameters: { retry_after: seconds },
    },
    conflict: { status: 409, description: CONFLICT },
    unauthorized: { status: 401, description: "Unauthorized" },
    "server-error": { status: 502, description: "Bad Gateway" },
  };
  const refusal = refusals[fault.kind];
  if (refusal === undefined) return undefined;
  const { status = refusal.status, description = refusal.description, parameters } = fault;
  const extra = parameters ?? refusal.parameters;
  return { status, description, ...(extra === undefined ? {} : { parameters: extra }) };
}

export const CONFLICT =
  "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

import type { ResponseFrame } from "openclaw-host-schemas";
import type { ClientClock, Undo } from "./clock.ts";
import { GatewayError } from "./errors.ts";
import { errorOf, statusOf } from "./frames.ts";

export interface CallOptions {
  /**
   * Two-phase methods answer twice: `accepted`, then the result. True (default) waits for the result; false resolves with
   * the first answer.
   */
  readonly expectFinal?: boolean;
  /** Receives the `accepted` answer of a two-phase method while the call goes on. */
  readonly onAccepted?: (payload: unknown) => void;
  /**
   * Default: 30,000 ms until the first answer and no limit between `accepted` and the result. When given, it limits the
   * whole call.
   */
  readonly timeoutMs?: number;
  /** Stops waiting. The gateway is not told: to stop a run, call `chat.abort`. */
  readonly signal?: AbortSignal;
}

/** Requests of one connection that still wait for an answer. */
export interface Requests {
  /** Sends and resolves with the payload of the (final) response. */
  send(method: string, params: unknown, options?: CallOptions): Promise<unknown>;
  /** Gives a response to its request; false when nobody waits for it. */
  settle(frame: ResponseFrame): boolean;
  /** Fails everything outstanding, and every later `send`. */
  fail(error: GatewayError): void;
}

const FIRST_ANSWER_MS = 30_000;

interface Pending {
  readonly method: string;
  readonly options: CallOptions;
  accept(): void;
  resolve(payload: unknown): void;
  reject(error: GatewayError): void;
}

/** @param write Sends one frame. */
export function createRequests(write: (frame: string) => void, clock: ClientClock): Requests {
  const pending = new Map<string, Pending>();
  let lastId = 0;
  let failure: GatewayError | undefined;

  const add = (id: string, method: string, options: CallOptions): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const undo: Undo[] = [];
      const finish = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          pending.delete(id);
          for (const release of undo) release();
          settle(value);
        };
      };
      const fail = finish<GatewayError>(reject);
      const stopTimer = clock.after(options.timeoutMs ?? FIRST_ANSWER_MS, () => fail(timedOut(method)));
      undo.push(
        stopTimer,
        onAbort(options.signal, () => fail(aborted(method))),
      );
      const accept = () => (options.timeoutMs === undefined ? stopTimer() : undefined);
      pending.set(id, { method, options, accept, resolve: finish(resolve), reject: fail });
    });

  return {
    async send(method, params, options = {}) {
      if (failure !== undefined) throw failure;
      if (options.signal?.aborted === true) throw aborted(method);
      const id = String(++lastId);
      const answer = add(id, method, options);
      write(JSON.stringify({ type: "req", id, method, ...(params === undefined ? {} : { params }) }));
      return answer;
    },
    settle(frame) {
      const request = pending.get(frame.id);
      if (request === undefined) return false;
      if (!frame.ok) request.reject(new GatewayError(errorOf(frame)));
      else if (statusOf(frame.payload) === "accepted" && (request.options.expectFinal ?? true)) {
        request.accept();
        request.options.onAccepted?.(frame.payload);
      } else request.resolve(frame.payload);
      return true;
    },
    fail(error) {
      failure = error;
      for (const request of pending.values()) request.reject(error);
    },
  };
}

function onAbort(signal: AbortSignal | undefined, run: () => void): Undo {
  signal?.addEventListener("abort", run, { once: true });
  return () => signal?.removeEventListener("abort", run);
}

const timedOut = (method: string) =>
  new GatewayError({
    code: "TIMEOUT",
    message: `no answer to ${method} in time: it may still take effect; repeat it with the same idempotencyKey`,
    retryable: true,
  });

const aborted = (method: string) =>
  new GatewayError({ code: "ABORTED", message: `the caller stopped waiting for ${method}` });

/** Waits for `promise` no longer than the call's own limit and signal allow. Without a limit: as long as it takes. */
export function waitInTime<T>(
  promise: Promise<T>,
  given: { readonly method: string; readonly clock: ClientClock; readonly call: CallOptions },
): Promise<T> {
  const { method, clock, call } = given;
  if (call.signal?.aborted === true) return Promise.reject(aborted(method));
  return new Promise((resolve, reject) => {
    const undo = [
      call.timeoutMs === undefined ? () => {} : clock.after(call.timeoutMs, () => reject(notConnected(method))),
      onAbort(call.signal, () => reject(aborted(method))),
    ];
    promise.then(resolve, reject).finally(() => {
      for (const release of undo) release();
    });
  });
}

const notConnected = (method: string) =>
  new GatewayError({
    code: "TIMEOUT",
    message: `no connection to the gateway in time for ${method}: nothing was sent`,
    retryable: true,
  });

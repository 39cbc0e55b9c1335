import type { AcceptedOf, EventName, HelloOk, MethodName, ParamsOf, ResultOf } from "openclaw-host-schemas";
import { type Undo, realClock } from "./clock.ts";
import { type Listener, createEvents } from "./events.ts";
import { type GatewayClientOptions, pinOf, socketUrl } from "./options.ts";
import { type CallOptions, waitInTime } from "./requests.ts";
import { createSession } from "./session.ts";

/** A connection to a gateway that is kept: calls wait for it, listeners survive its loss. */
export interface GatewayClient {
  /** Resolves when connected; rejects when the client gave up (refused, closed, or unreachable without `reconnect`). */
  ready(): Promise<HelloOk>;
  /** As the general form, but resolves with the first answer of a two-phase method. */
  call<M extends MethodName>(
    method: M,
    params: ParamsOf<M>,
    options: CallOptions & { readonly expectFinal: false },
  ): Promise<AcceptedOf<M> | ResultOf<M>>;
  /**
   * Calls a method and resolves with its (final) result; waits for the connection first. Rejects with `GatewayError`. A
   * call that was on its way when the connection broke rejects with `CONNECTION_CLOSED` and is not repeated.
   */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options?: CallOptions): Promise<ResultOf<M>>;
  /** Calls a method that this SDK has no types for. */
  request(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  on<E extends EventName>(event: E, listener: Listener<E>): Undo;
  /** Closes for good. Outstanding and later calls reject with `CLOSED`. */
  close(): Promise<void>;
}

/**
 * Connects at once and stays connected until `close()`. Throws `GatewayError` for an address that can never work.
 *
 * ```ts
 * const client = createGatewayClient({ url: "ws://127.0.0.1:18789", token });
 * client.on("chat", (chat) => console.log(chat.state));
 * const { runId } = await client.call("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: crypto.randomUUID() });
 * await client.close();
 * ```
 */
export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  socketUrl(options);
  pinOf({ tlsFingerprint: options.tlsFingerprint, webSocket: options.webSocket });
  const clock = options.clock ?? realClock;
  const events = createEvents(options.onGap);
  const session = createSession(options, events);

  const request = async (method: string, params?: unknown, call: CallOptions = {}): Promise<unknown> => {
    const startedAt = clock.now();
    const connection = await waitInTime(session.connection(), { method, clock, call });
    const { timeoutMs } = call;
    const rest = timeoutMs === undefined ? {} : { timeoutMs: Math.max(0, timeoutMs - (clock.now() - startedAt)) };
    return connection.requests.send(method, params, { ...call, ...rest });
  };

  return {
    ready: async () => (await session.connection()).hello,
    // The gateway checked the result against the method's descriptor, which the declared type is derived from.
    call: (method: string, params: unknown, call?: CallOptions) => request(method, params, call) as Promise<never>,
    request,
    on: (event, listener) => events.on(event, listener),
    close: () => session.close(),
  };
}

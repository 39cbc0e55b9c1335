import { type ClientClock, realClock } from "./clock.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type GatewayError, closedByCaller, toGatewayError } from "./errors.ts";
import type { Events } from "./events.ts";
import type { GatewayClientOptions } from "./options.ts";

/** A connection that is opened again whenever it is lost. */
export interface Session {
  /** The live connection, or the next one; rejects once the session gave up. */
  connection(): Promise<Connection>;
  close(): Promise<void>;
}

type Gate = PromiseWithResolvers<Connection>;

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** Delay before retry `attempt` (from 1), ms: 1 s doubling to 30 s, half of it random, never less than the gateway asked. */
export function retryDelay(attempt: number, error: GatewayError, fraction: () => number): number {
  const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.max(ceiling / 2 + (ceiling / 2) * fraction(), error.retryAfterMs ?? 0);
}

/** Starts at once. */
export function createSession(options: GatewayClientOptions, events: Events): Session {
  const clock = options.clock ?? realClock;
  const closing = new AbortController();
  let gate = createGate();

  /** One connection's whole life; the result says why it ended and whether it had been ready. */
  const live = async (): Promise<{ error: GatewayError; wasReady: boolean }> => {
    events.restart();
    try {
      const connection = await openConnection(options, {
        clock,
        onEvent: (frame) => events.dispatch(frame),
        signal: closing.signal,
      });
      options.onHello?.(connection.hello);
      gate.resolve(connection);
      const error = await connection.closed;
      gate = createGate();
      return { error, wasReady: true };
    } catch (error) {
      return { error: toGatewayError(error), wasReady: false };
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      const { error, wasReady } = await live();
      if (closing.signal.aborted) break;
      failures = wasReady ? 1 : failures + 1;
      const retry = options.reconnect !== false && error.retryable;
      const delay = retry ? retryDelay(failures, error, options.fraction ?? Math.random) : undefined;
      if (delay === undefined) gate.reject(error);
      options.onDisconnect?.(error, delay);
      if (delay === undefined) return;
      await pause(clock, delay, closing.signal);
    }
    gate.reject(closedByCaller());
  };

  const finished = run().catch((error: unknown) => gate.reject(toGatewayError(error)));
  return {
    connection: () => gate.promise,
    async close() {
      closing.abort();
      await finished;
      // A session that had given up keeps its own reason only until it is closed.
      gate = createGate();
      gate.reject(closedByCaller());
    },
  };
}

/** Nobody has to wait for a connection, so its failure is no unhandled rejection. */
function createGate(): Gate {
  const gate = Promise.withResolvers<Connection>();
  gate.promise.catch(() => {});
  return gate;
}

function pause(clock: ClientClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener("abort", wake);
  });
}

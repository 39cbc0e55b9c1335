import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Channels } from "../channels/channels.ts";
import type { Turns } from "../channels/turn/turn.ts";
import type { WireServer } from "../wire/wire-server.ts";

/** How a gateway ends. */
export interface Farewell {
  /** Told to every client in the `shutdown` event. */
  readonly reason: string;
  /** Milliseconds until it is back; absent when nobody knows: then the event says null (wire protocol section 6). */
  readonly restartExpectedMs?: number;
  /** How long running turns may go on, ms. Default 1.2 s. */
  readonly drainMs?: number;
}

export interface ShutdownParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly turns: Pick<Turns, "close">;
  readonly channels: Pick<Channels, "outbox">;
  readonly wire: Pick<WireServer, "close">;
}

/**
 * A supervisor that stops a service waits some seconds before it kills; the whole stop has 5 s. It is divided so that a guest
 * that hangs at every step still ends within it, ms: turns `TURNS_MS` and 1 s for those that ignore being stopped; sends until
 * `SENDS_MS` after the begin; then the connections `CONNECTIONS_MS`, beside the second that the outbox gives a send before it
 * is cut off, and the guests `GUESTS_MS`.
 */
const TURNS_MS = 1_200;
const SENDS_MS = 2_500;
/** A send that is cut off is of unknown fate, so every send gets at least this, ms. */
const SHORTEST_SENDS_MS = 500;
export const CONNECTIONS_MS = 700;
export const GUESTS_MS = 900;

/**
 * Ends the work of a gateway in the order of a message's life, so that each step has nothing coming from the one before: no
 * message is claimed and no request is accepted any more; turns end, or are stopped and run again at the next start; their
 * answers are sent as far as time allows, the others stay queued; then clients are told and let go. What platforms deliver
 * meanwhile is stored. The connections and guests are ended after that by whoever built them.
 */
export async function endWork(parts: ShutdownParts, farewell: Farewell): Promise<void> {
  const { channels, clock, log, turns, wire } = parts;
  const { reason, restartExpectedMs = null, drainMs = TURNS_MS } = farewell;
  const begunAt = clock.now();
  log.info("stopping", { reason });
  await turns.close(drainMs);
  const left = begunAt + drainMs + SENDS_MS - TURNS_MS - clock.now();
  await channels.outbox.idle(Math.max(SHORTEST_SENDS_MS, Math.min(SENDS_MS, left)));
  log.info("drained", { ms: clock.now() - begunAt });
  await wire.close({ reason, restartExpectedMs });
}

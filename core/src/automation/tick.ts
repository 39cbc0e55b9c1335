import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";

/** Publishes `tick` to every client each `intervalMs` (`policy.tickIntervalMs` of hello-ok), with one timer for all. */
export function startTick(parts: {
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly intervalMs: number;
}): Undo {
  const { clock, sink, intervalMs } = parts;
  return clock.every(intervalMs, () => sink.publish("tick", { ts: clock.now() }));
}

import type { EventFrame, EventName, PayloadOf } from "openclaw-host-schemas";
import type { Undo } from "./clock.ts";

/** A hole in the numbering of events: some were dropped because this client was slow. Events are never sent again. */
export interface Gap {
  readonly expected: number;
  readonly received: number;
}

export type Listener<E extends EventName> = (payload: PayloadOf<E>, frame: EventFrame) => void;

/** Listeners by event name. They outlive a connection. */
export interface Events {
  on<E extends EventName>(event: E, listener: Listener<E>): Undo;
  /** Hands a frame to its listeners and reports a gap before the event that shows it. */
  dispatch(frame: EventFrame): void;
  /** A new connection numbers its events anew. */
  restart(): void;
}

type AnyListener = (payload: never, frame: EventFrame) => void;

export function createEvents(onGap: ((gap: Gap) => void) | undefined): Events {
  const listeners = new Map<string, Set<AnyListener>>();
  let lastSeq: number | undefined;

  const noteSeq = (seq: number | undefined) => {
    if (seq === undefined) return;
    const expected = lastSeq === undefined ? undefined : lastSeq + 1;
    lastSeq = seq;
    if (expected !== undefined && seq > expected) guarded(() => onGap?.({ expected, received: seq }));
  };

  return {
    on(event, listener) {
      const entry: AnyListener = (payload, frame) => listener(payload, frame);
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set.add(entry));
      return () => void set.delete(entry);
    },
    dispatch(frame) {
      noteSeq(frame.seq);
      for (const listener of listeners.get(frame.event) ?? []) guarded(() => listener(parsePayload(frame), frame));
    },
    restart() {
      lastSeq = undefined;
    },
  };
}

/** The gateway checked the payload against the event's schema; the listener's type says which one. */
const parsePayload = (frame: EventFrame) => frame.payload as never;

/** A listener that throws is the application's bug: report it as the platform does for event targets, and serve the rest. */
function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

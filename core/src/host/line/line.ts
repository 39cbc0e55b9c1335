import type { Undo } from "../../base/clock.ts";

/**
 * One end of the line between host and guest. Messages are structured clones, arrive in order, and none is lost while the
 * line is up. Posting on a dead line does nothing: whoever waits for an answer learns of the death from the carrier.
 */
export interface MessageLine {
  /** Throws `DataCloneError` when the message holds something that cannot be cloned. */
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): Undo;
}

export interface LinePair {
  readonly host: MessageLine;
  readonly guest: MessageLine;
  /** Cuts the line: nothing is delivered any more. */
  cut(): void;
}

/** Two joined ends in one process. Every message goes through `structuredClone`, as it would between processes. */
export function createLinePair(): LinePair {
  const listeners = { host: new Set<(message: unknown) => void>(), guest: new Set<(message: unknown) => void>() };
  let up = true;
  const end = (own: "host" | "guest", other: "host" | "guest"): MessageLine => ({
    post(message) {
      if (!up) return;
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => {
        if (up) for (const listener of listeners[other]) listener(copy);
      });
    },
    onMessage(listener) {
      listeners[own].add(listener);
      return () => void listeners[own].delete(listener);
    },
  });
  return {
    host: end("host", "guest"),
    guest: end("guest", "host"),
    cut: () => {
      up = false;
    },
  };
}

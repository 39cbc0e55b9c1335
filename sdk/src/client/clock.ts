/** Undoes a registration; calling it twice is harmless. */
export type Undo = () => void;

/** Time for the client, so that tests decide what time it is. The gateway's own `Clock` fits. */
export interface ClientClock {
  /** Epoch ms. */
  now(): number;
  /** Runs once after `ms`. */
  after(ms: number, run: () => void): Undo;
}

export const realClock: ClientClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

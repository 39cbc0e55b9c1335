/** Lets many keep at once, and one collect alone. */
export interface Gate {
  /** Runs beside others of its kind. */
  shared<T>(work: () => Promise<T>): Promise<T>;
  /** Runs when nothing else does. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createGate(): Gate {
  let collecting: Promise<unknown> = Promise.resolve();
  const keeping = new Set<Promise<unknown>>();
  const settled = (work: Promise<unknown>) => work.catch(() => undefined);

  async function enter<T>(work: () => Promise<T>): Promise<T> {
    // Another collector may have come while this one was waited for.
    for (let seen; seen !== collecting;) {
      seen = collecting;
      await seen;
    }
    const running = work();
    const mark = settled(running);
    keeping.add(mark);
    return running.finally(() => keeping.delete(mark));
  }

  return {
    shared: enter,
    alone(work) {
      const before = collecting;
      const turn = (async () => {
        await before;
        await Promise.all(keeping);
        return work();
      })();
      collecting = settled(turn);
      return turn;
    },
  };
}

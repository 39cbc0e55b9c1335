/** Does what it is given in order, soon, and only a few in each turn of the event loop. What it is given must not throw. */
export type TakingTurns = (act: () => void) => void;

/** For what becomes due for thousands of sockets in one moment: between two turns everybody else is heard. */
export function createTakingTurns(perTurn: number): TakingTurns {
  const waiting = new Set<{ readonly act: () => void }>();

  function turn(): void {
    let left = perTurn;
    for (const one of waiting) {
      if (left === 0) break;
      left -= 1;
      waiting.delete(one);
      one.act();
    }
    if (waiting.size > 0) setImmediate(turn);
  }

  return (act) => {
    waiting.add({ act });
    if (waiting.size === 1) setImmediate(turn);
  };
}

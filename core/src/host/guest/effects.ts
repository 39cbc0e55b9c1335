/** Undos of one context. */
export interface Effects {
  add(undo: () => void | Promise<void>, label?: string): void;
  /** Runs every undo, last in first out, and none twice; one that fails is reported and the others still run. */
  run(onError: (label: string, error: unknown) => void): Promise<void>;
}

export function createEffects(): Effects {
  const stack: { readonly undo: () => void | Promise<void>; readonly label: string }[] = [];
  return {
    add: (undo, label = "effect") => void stack.push({ undo, label }),
    async run(onError) {
      for (let effect = stack.pop(); effect !== undefined; effect = stack.pop()) {
        try {
          await effect.undo();
        } catch (error) {
          onError(effect.label, error);
        }
      }
    },
  };
}

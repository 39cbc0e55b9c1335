/** Number of single-letter insertions, deletions and replacements between two words, a swap of neighbours counting as one. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    const at = (from: readonly number[], j: number) => from[j] ?? Infinity;
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The candidate a person most likely meant, or undefined when none is close (a third of the word may differ). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { name: string; off: number } | undefined;
  for (const name of candidates) {
    const off = distance(word.toLowerCase(), name.toLowerCase());
    if (off < (best?.off ?? Infinity)) best = { name, off };
  }
  return best !== undefined && best.off <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined;
}

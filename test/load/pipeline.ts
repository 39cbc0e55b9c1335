/** When to stop: after a time (ms), or after so many calls. */
type Until = { readonly forMs: number } | { readonly calls: number };

/** Keeps `width` calls going at once and says how many ended a second. */
export async function inFlight(
  options: { readonly width: number } & Until,
  call: () => Promise<unknown>,
): Promise<number> {
  const began = performance.now();
  let begun = 0;
  const more = () => ("calls" in options ? begun < options.calls : performance.now() - began < options.forMs);
  const one = async () => {
    while (more()) {
      begun += 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: options.width }, one));
  return (begun * 1_000) / (performance.now() - began);
}

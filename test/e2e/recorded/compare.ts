/** Where a live value lacks the shape of a recorded one: JSON path to what was found there. */
export type Differences = ReadonlyMap<string, string>;

/** Ends of paths whose values matter, and not only their type: they name a kind of thing, or what was granted. */
const NAMING = /\.(type|event|ok|protocol|status|state|stream|role|auth\.scopes)$/;

/**
 * Every key that was recorded must be there with the same JSON type; more keys may be there. Each recorded element of a list
 * must be like some live one.
 */
export function differences(recorded: unknown, live: unknown, at = ""): Differences {
  if (kindOf(recorded) !== kindOf(live)) return new Map([[at, `${kindOf(live)}, not ${kindOf(recorded)}`]]);
  if (Array.isArray(recorded) && Array.isArray(live)) return inLists(recorded, live, at);
  if (isRecord(recorded) && isRecord(live)) return inRecords(recorded, live, at);
  return new Map();
}

function inLists(recorded: readonly unknown[], live: readonly unknown[], at: string): Differences {
  const found = new Map<string, string>();
  for (const item of recorded) {
    const [closest = new Map([[`${at}[]`, "none"]])] = live
      .map((candidate) => differences(item, candidate, `${at}[]`))
      .sort((a, b) => a.size - b.size);
    for (const [path, finding] of closest) found.set(path, finding);
  }
  return found;
}

function inRecords(recorded: Record<string, unknown>, live: Record<string, unknown>, at: string): Differences {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(recorded)) {
    const path = `${at}.${key}`;
    if (!(key in live)) found.set(path, "absent");
    else if (NAMING.test(path)) compareValues(found, path, { recorded: value, live: live[key] });
    else for (const [deeper, finding] of differences(value, live[key], path)) found.set(deeper, finding);
  }
  return found;
}

function compareValues(found: Map<string, string>, path: string, pair: { recorded: unknown; live: unknown }): void {
  const [recorded, live] = [JSON.stringify(pair.recorded), JSON.stringify(pair.live)];
  if (live !== recorded) found.set(path, `${live}, not ${recorded}`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

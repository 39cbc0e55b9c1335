/** Where a live value lacks the shape of a recorded one: JSON path to what was found there. */
export type Differences = ReadonlyMap<string, string>;

/** Keys whose values name a kind of thing, so that their text matters and not only their type. */
const NAMING: ReadonlySet<string> = new Set(["type", "event", "ok", "protocol", "status", "state", "stream", "role"]);

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
    else if (NAMING.has(key) && live[key] !== value) found.set(path, `${String(live[key])}, not ${String(value)}`);
    else for (const [deeper, finding] of differences(value, live[key], path)) found.set(deeper, finding);
  }
  return found;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

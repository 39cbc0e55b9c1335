import type { ParamsOf } from "openclaw-host-schemas";
import type { SessionKey } from "../base/brand.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { SessionEntry } from "../store/tables/session-entry.ts";
import { canonicalKey, type KeyDefaults } from "./key.ts";
import { sessionFilter } from "./list.ts";

export type ResolveParams = ParamsOf<"sessions.resolve">;

/**
 * Finds one session by exactly one of key, session id and label. Source of the sentences: wire protocol section 5.4.
 *
 * @throws WireError when none or several match.
 */
export function resolveSession(
  entries: readonly SessionEntry[],
  params: ResolveParams,
  defaults: KeyDefaults,
): SessionKey {
  const { name, shown, matches } = wanted(params, defaults);
  // A session asked for by name is found whatever its kind.
  const passes = sessionFilter({ ...params, includeGlobal: true, includeUnknown: true });
  const found = entries.filter((entry) => matches(entry) && passes(entry));
  const [first, ...others] = found;
  if (first === undefined) throw invalidRequest(`No session found${name}: ${shown}`);
  if (others.length > 0) {
    throw invalidRequest(`Multiple sessions found${name}: ${shown} (${found.map((entry) => entry.key).join(", ")})`);
  }
  return first.key;
}

interface Wanted {
  /** How the sentence names what was asked for. */
  readonly name: string;
  readonly shown: string;
  readonly matches: (entry: SessionEntry) => boolean;
}

function wanted(params: ResolveParams, defaults: KeyDefaults): Wanted {
  const { key, sessionId, label } = params;
  const given = [key, sessionId, label].filter((value) => value !== undefined).length;
  if (given > 1) throw invalidRequest("Provide either key, sessionId, or label, not several");
  if (key !== undefined) {
    const canonical = canonicalKey(key, defaults);
    return { name: "", shown: key, matches: (entry) => entry.key === canonical };
  }
  if (sessionId !== undefined) return { name: "", shown: sessionId, matches: (entry) => entry.sessionId === sessionId };
  if (label !== undefined) return { name: " with label", shown: label, matches: (entry) => entry.label === label };
  throw invalidRequest("Either key, sessionId, or label is required");
}

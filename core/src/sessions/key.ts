import { sessionKey, type SessionKey } from "../base/brand.ts";
import { invalidRequest } from "../base/wire-error.ts";

export interface KeyDefaults {
  /** Agent of a key that names none. */
  readonly agentId: string;
  /** What `main` stands for; normally `main`. */
  readonly mainKey: string;
  /** `global`: all of the default agent's main conversations share the session `global`. Default `per-sender`. */
  readonly scope?: "per-sender" | "global";
}

/** UTF-16 units; a key holds a channel, a kind and a peer id of at most 512 bytes. */
const MAX_KEY_CHARS = 1024;
/** Agent id and rest; the rest is more than colons. */
const AGENT_KEY = /^agent:([a-z0-9][a-z0-9_-]{0,63}):(?=[:\s]*[^:\s])(.*)$/;
// oxlint-disable-next-line no-control-regex -- control characters are what this pattern is for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The canonical form of a key that a client or a route names: `agent:<id>:<rest>` in lower case, `main` being the default
 * agent's main session; `global` and `unknown` stand for themselves. Source: wire protocol section 5.4.
 *
 * @throws WireError `malformed session key "X"`
 */
export function canonicalKey(raw: string, defaults: KeyDefaults): SessionKey {
  const key = raw.trim().toLowerCase();
  if (!isPlain(key)) throw malformed(raw);
  if (key === "global" || key === "unknown") return sessionKey(key);
  const main = mainKeyOf(defaults);
  if (key === "main" || key === main) return main;
  if (!key.startsWith("agent:")) return keyOf(defaults.agentId, key);
  const [, agentId, rest] = AGENT_KEY.exec(key) ?? [];
  if (agentId === undefined || rest === undefined) throw malformed(raw);
  return rest === "main" ? mainOf(agentId, defaults) : keyOf(agentId, rest);
}

function mainOf(agentId: string, defaults: KeyDefaults): SessionKey {
  return agentId === defaults.agentId.toLowerCase() ? mainKeyOf(defaults) : keyOf(agentId, defaults.mainKey);
}

const isPlain = (key: string): boolean => key !== "" && key.length <= MAX_KEY_CHARS && !CONTROL.test(key);

/** The main session of the default agent. */
export function mainKeyOf(defaults: KeyDefaults): SessionKey {
  return defaults.scope === "global" ? sessionKey("global") : keyOf(defaults.agentId, defaults.mainKey);
}

const keyOf = (agentId: string, rest: string): SessionKey => sessionKey(`agent:${agentId}:${rest}`.toLowerCase());

const SHOWN_CHARS = 120;
const malformed = (raw: string) => invalidRequest(`malformed session key "${raw.slice(0, SHOWN_CHARS)}"`);

/** The agent of a canonical key; `main` for the keys that belong to no agent (`global`, `unknown`). */
export function agentOf(key: string): string {
  const [scope, agentId] = key.split(":", 2);
  return scope === "agent" && agentId !== undefined ? agentId : "main";
}

import { sessionKey, type SessionKey } from "../base/brand.ts";
import { invalidRequest } from "../base/wire-error.ts";

export interface KeyDefaults {
  /** Agent of a key that names none. */
  readonly agentId: string;
  /** What `main` stands for; normally `main`. */
  readonly mainKey: string;
}

const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** UTF-16 units; a key holds a channel, a kind and a peer id of at most 512 bytes. */
const MAX_KEY_CHARS = 1024;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The canonical form of a key that a client or a route names: `agent:<id>:<rest>` in lower case, `main` being the default
 * agent's main session; `global` and `unknown` stand for themselves. Source: wire protocol section 5.4.
 *
 * @throws WireError `malformed session key "X"`
 */
export function canonicalKey(raw: string, defaults: KeyDefaults): SessionKey {
  const key = raw.trim().toLowerCase();
  if (key === "" || key.length > MAX_KEY_CHARS || CONTROL.test(key)) throw malformed(raw);
  if (key === "global" || key === "unknown") return sessionKey(key);
  const mainKey = defaults.mainKey.toLowerCase();
  if (!key.startsWith("agent:")) return keyOf(defaults.agentId.toLowerCase(), key === "main" ? mainKey : key);
  const end = key.indexOf(":", "agent:".length);
  const agentId = key.slice("agent:".length, end === -1 ? undefined : end);
  const rest = end === -1 ? "" : key.slice(end + 1);
  if (!AGENT_ID.test(agentId) || rest.replaceAll(":", "").trim() === "") throw malformed(raw);
  return keyOf(agentId, rest === "main" ? mainKey : rest);
}

const keyOf = (agentId: string, rest: string): SessionKey => sessionKey(`agent:${agentId}:${rest}`);

const SHOWN_CHARS = 120;
const malformed = (raw: string) => invalidRequest(`malformed session key "${raw.slice(0, SHOWN_CHARS)}"`);

/** The main session of an agent. */
export const mainKeyOf = (defaults: KeyDefaults): SessionKey => canonicalKey("main", defaults);

/** The agent of a canonical key; `main` for the keys that belong to no agent (`global`, `unknown`). */
export function agentOf(key: string): string {
  const [scope, agentId] = key.split(":", 2);
  return scope === "agent" && agentId !== undefined ? agentId : "main";
}

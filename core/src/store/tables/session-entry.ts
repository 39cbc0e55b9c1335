import type { SessionKey } from "../../base/brand.ts";

/** Where the next answer of a session goes when a caller names no target. */
export interface DeliveryContext {
  readonly channel?: string;
  readonly to?: string;
  readonly accountId?: string;
  readonly threadId?: string;
}

/** What a client may set with `sessions.patch`; every field may be absent. Source: wire protocol section 5.4. */
export interface SessionSettings {
  readonly label?: string;
  readonly thinkingLevel?: string;
  readonly verboseLevel?: string;
  readonly reasoningLevel?: string;
  readonly responseUsage?: "off" | "tokens" | "full";
  readonly elevatedLevel?: string;
  readonly execHost?: string;
  readonly execSecurity?: string;
  readonly execAsk?: string;
  readonly execNode?: string;
  /** `provider/model`, or a model name alone. */
  readonly model?: string;
  /** Key of the session that started this one. */
  readonly spawnedBy?: string;
  readonly spawnDepth?: number;
  readonly sendPolicy?: "allow" | "deny";
  readonly groupActivation?: "mention" | "always";
}

/** What the gateway itself learns about a session while it is used. */
export interface SessionFacts {
  readonly displayName?: string;
  readonly channel?: string;
  readonly subject?: string;
  readonly groupChannel?: string;
  readonly space?: string;
  readonly chatType?: string;
  readonly origin?: Readonly<Record<string, string>>;
  readonly deliveryContext?: DeliveryContext;
  readonly lastChannel?: string;
  readonly lastTo?: string;
  readonly lastAccountId?: string;
  readonly systemSent?: boolean;
  readonly abortedLastRun?: boolean;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly contextTokens?: number;
}

export type SessionKind = "direct" | "group" | "global" | "unknown";

/** One session. Times are epoch ms. */
export interface SessionEntry extends SessionSettings, SessionFacts {
  readonly key: SessionKey;
  /** Names the transcript; a reset gives the key a new one. */
  readonly sessionId: string;
  /** Grows with every committed change; of two copies for one key the higher one is newer, whatever was deleted in between. */
  readonly rev: number;
  readonly kind: SessionKind;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Start of the first user message. */
  readonly title?: string;
  /** Start of the newest user or assistant message. */
  readonly lastMessage?: string;
}

/** A patch: a value sets, `null` clears, an absent key leaves. */
export type SessionPatch = { readonly [K in keyof SessionSettings]?: SessionSettings[K] | null };

/** Kind by the form of a canonical key (`agent:<id>:<channel>:group:<peer>`, `global`, ...). */
export function kindOf(key: string): SessionKind {
  if (key === "global" || key === "unknown") return key;
  return /:(?:group|channel):/.test(key) ? "group" : "direct";
}

/** Reads the `entry` column. */
export const parseEntry = (json: string): SessionEntry => JSON.parse(json) as SessionEntry;

/** Applies a patch to an entry; everything else stays. */
export function applyPatch(entry: SessionEntry, patch: SessionPatch): SessionEntry {
  const next = new Map<string, unknown>(Object.entries(entry));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) next.delete(name);
    else if (value !== undefined) next.set(name, value);
  }
  return Object.fromEntries(next) as unknown as SessionEntry;
}

/** The same key after a reset: settings and origin stay, what belonged to the old transcript goes. */
export function freshEntry(entry: SessionEntry, sessionId: string, at: number): SessionEntry {
  const {
    title: _title,
    lastMessage: _lastMessage,
    inputTokens: _inputTokens,
    outputTokens: _outputTokens,
    totalTokens: _totalTokens,
    ...kept
  } = entry;
  return { ...kept, sessionId, updatedAt: at, systemSent: false, abortedLastRun: false };
}

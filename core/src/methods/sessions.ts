import type { ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { Caller } from "../auth/caller.ts";
import type { SessionKey } from "../base/brand.ts";
import type { Clock } from "../base/clock.ts";
import { invalidRequest, isWireError } from "../base/wire-error.ts";
import { type Agents, keyDefaults, modelChoice, profileOf } from "../sessions/agents.ts";
import type { SessionChanges } from "../sessions/changes.ts";
import { agentOf, canonicalKey, mainKeyOf } from "../sessions/key.ts";
import { listRows } from "../sessions/list.ts";
import { resolveSession } from "../sessions/resolve.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/db.ts";
import type { SessionEntry, SessionPatch } from "../store/tables/session-entry.ts";
import type { HandlersFor } from "./handler.ts";

export interface SessionMethodParts {
  readonly sessions: Sessions;
  readonly changes: SessionChanges;
  readonly store: Store;
  readonly clock: Clock;
  /** The agents of the current configuration. */
  readonly agents: () => Agents;
  /** Path of the database, shown to clients that ask where sessions are kept. */
  readonly storePath: string;
}

type SessionMethod =
  | "sessions.list"
  | "sessions.preview"
  | "sessions.resolve"
  | "sessions.patch"
  | "sessions.reset"
  | "sessions.delete"
  | "sessions.subscribe";

/** Sessions and their settings. Source of limits and sentences: wire protocol section 5.4. */
export function sessionMethods(parts: SessionMethodParts): HandlersFor<SessionMethod> {
  const { sessions, changes, clock, storePath } = parts;
  const keyOf = (raw: string): SessionKey => canonicalKey(raw, keyDefaults(parts.agents()));
  return {
    "sessions.list": (params) => {
      const ts = clock.now();
      const agents = parts.agents();
      const rows = listRows(sessions.list(), params, { agents, now: ts });
      return { ts, path: storePath, count: rows.length, defaults: defaultsOf(agents), sessions: rows };
    },
    "sessions.preview": async (params) => ({ ts: clock.now(), previews: await previews(parts, params) }),
    "sessions.resolve": (params) => ({
      ok: true,
      key: resolveSession(sessions.list(), params, keyDefaults(parts.agents())),
    }),
    "sessions.patch": async (params, { caller }) => {
      refuseWebchat(caller, "patch");
      const key = keyOf(params.key);
      const entry = await changes.patch(key, patchOf(params));
      return { ok: true, path: storePath, key, entry: recordOf(entry), resolved: resolvedModel(entry, parts.agents()) };
    },
    "sessions.reset": async (params) => {
      const key = keyOf(params.key);
      return { ok: true, key, entry: recordOf(await changes.reset(key)) };
    },
    "sessions.delete": async (params, { caller }) => {
      refuseWebchat(caller, "delete");
      const key = keyOf(params.key);
      if (key === mainKeyOf(keyDefaults(parts.agents()))) {
        throw invalidRequest(`Cannot delete the main session (${key}).`);
      }
      const removed = await changes.remove(key, { archive: params.deleteTranscript ?? true });
      return { ok: true, key, deleted: removed !== undefined, archived: [...(removed?.archived ?? [])] };
    },
    // Chat events reach every connection with the scope, so there is nothing to remember.
    "sessions.subscribe": () => ({ ok: true }),
  };
}

function refuseWebchat(caller: Caller, action: "patch" | "delete"): void {
  if (caller.client.mode !== "webchat" && caller.client.id !== "webchat-ui") return;
  throw invalidRequest(`webchat clients cannot ${action} sessions; use chat.send for session-scoped updates`);
}

function defaultsOf(agents: Agents): ResultOf<"sessions.list">["defaults"] {
  const profile = profileOf(agents, agents.defaultId);
  return { ...modelChoice(profile?.model), contextTokens: profile?.contextTokens ?? null };
}

function resolvedModel(entry: SessionEntry, agents: Agents): ResultOf<"sessions.patch">["resolved"] {
  const { modelProvider, model } = modelChoice(entry.model ?? profileOf(agents, agentOf(entry.key))?.model);
  return { modelProvider: modelProvider ?? "", model: model ?? "" };
}

/** `on` is the older name of `tokens`. */
function patchOf(params: ParamsOf<"sessions.patch">): SessionPatch {
  const { key: _key, responseUsage, ...patch } = params;
  if (responseUsage === undefined) return patch;
  return { ...patch, responseUsage: responseUsage === "on" ? "tokens" : responseUsage };
}

/** The record without what only the gateway itself needs. */
function recordOf(entry: SessionEntry): ResultOf<"sessions.reset">["entry"] {
  const { key: _key, rev: _rev, kind: _kind, title: _title, lastMessage: _lastMessage, ...record } = entry;
  return record;
}

/** Keys answered per call, and the largest values that a caller may ask for. */
const PREVIEW_KEYS = 64;
const PREVIEW = { limit: 12, mostItems: 200, chars: 240, mostChars: 2000 } as const;

type Preview = ResultOf<"sessions.preview">["previews"][number];

async function previews(parts: SessionMethodParts, params: ParamsOf<"sessions.preview">): Promise<Preview[]> {
  const asked = params.keys.slice(0, PREVIEW_KEYS).map((key) => ({ key, found: lookUp(parts, key) }));
  const sessionIds = asked.flatMap(({ found }) => (typeof found === "string" ? [] : [found.sessionId]));
  const read = await parts.store.run("sessions.recent", {
    sessionIds,
    limit: Math.min(params.limit ?? PREVIEW.limit, PREVIEW.mostItems),
    maxChars: Math.min(params.maxChars ?? PREVIEW.chars, PREVIEW.mostChars),
  });
  const itemsOf = new Map(sessionIds.map((id, index) => [id, read[index] ?? []]));
  return asked.map(({ key, found }): Preview => {
    if (typeof found === "string") return { key, status: found, items: [] };
    const items = [...(itemsOf.get(found.sessionId) ?? [])];
    return { key, status: items.length === 0 ? "empty" : "ok", items };
  });
}

function lookUp(parts: SessionMethodParts, key: string): SessionEntry | "missing" | "error" {
  try {
    return parts.sessions.get(canonicalKey(key, keyDefaults(parts.agents()))) ?? "missing";
  } catch (error) {
    if (isWireError(error)) return "error";
    throw error;
  }
}

import type { TranscriptMessage } from "openclaw-host-schemas";
import type { SessionKey } from "../base/brand.ts";
import type { Ids } from "../base/ids.ts";
import type { Store } from "../store/db.ts";
import type { SessionEntry } from "../store/tables/session-entry.ts";
import { SessionProjection } from "./projection.ts";

export type { SessionEntry } from "../store/tables/session-entry.ts";

/** All sessions. Look-ups are answered from memory; what they say was committed. */
export interface Sessions {
  get(key: SessionKey): SessionEntry | undefined;
  list(): readonly SessionEntry[];
  /** The session of the key, made when there is none. `now` is epoch ms. */
  ensure(key: SessionKey, now: number): Promise<SessionEntry>;
  /** The newest `limit` messages as stored, newest last: what an agent reads. Empty for an unknown key. */
  history(key: SessionKey, limit: number): Promise<TranscriptMessage[]>;
  /** The newest `limit` messages as the wire shows them: long texts cut, image data left out (wire protocol section 5.3). */
  shown(key: SessionKey, limit: number): Promise<TranscriptMessage[]>;
  /** Takes over an entry that a command returned; an older copy than the known one is ignored. */
  noteCommitted(entry: SessionEntry): void;
  /** Forgets a deleted session; `rev` is the revision of the deletion. */
  noteDeleted(key: SessionKey, rev: number): void;
}

export interface SessionsOptions {
  readonly store: Store;
  readonly ids: Pick<Ids, "uuid">;
}

/** Bytes of transcript that one `history` call reads at most, so that a huge session cannot fill the memory. */
const HISTORY_BYTES = 32 * 1024 * 1024;

/** Loads all sessions. */
export async function openSessions(options: SessionsOptions): Promise<Sessions> {
  const { store, ids } = options;
  const known = new SessionProjection();
  await load(store, known);
  return {
    get: (key) => known.get(key),
    list: () => known.list(),
    async ensure(key, now) {
      const found = known.get(key);
      if (found !== undefined) return found;
      const entry = await store.run("sessions.ensure", { key, sessionId: ids.uuid(), at: now });
      known.put(entry);
      return entry;
    },
    async history(key, limit) {
      const entry = known.get(key);
      if (entry === undefined) return [];
      const { sessionId } = entry;
      const texts = await store.run("sessions.transcript", { sessionId, limit, maxBytes: HISTORY_BYTES });
      return texts.map(parseMessage);
    },
    async shown(key, limit) {
      const entry = known.get(key);
      if (entry === undefined) return [];
      const texts = await store.run("sessions.history", { sessionId: entry.sessionId, limit });
      return texts.map(parseMessage);
    },
    noteCommitted: (entry) => known.put(entry),
    noteDeleted: (key, rev) => known.remove(key, rev),
  };
}

/** Sessions per page while loading. */
const LOAD_PAGE = 1000;

async function load(store: Store, known: SessionProjection): Promise<void> {
  let after = "";
  for (;;) {
    const page = await store.run("sessions.load", { after, limit: LOAD_PAGE });
    for (const entry of page) known.put(entry);
    const last = page.at(-1);
    if (last === undefined || page.length < LOAD_PAGE) return;
    after = last.key;
  }
}

/** Reads a message that this gateway stored. */
export const parseMessage = (json: string): TranscriptMessage => JSON.parse(json) as TranscriptMessage;

import type { SessionEntry } from "../store/session-entry.ts";

/**
 * The sessions table in memory. It is fed with what commands returned, in whatever order that news arrives: revisions decide
 * which copy is newer, and a copy from before a deletion does not bring a session back.
 */
export class SessionProjection {
  readonly #byKey = new Map<string, SessionEntry>();
  /** Revision at which a key was last deleted. */
  readonly #deletedAt = new Map<string, number>();

  get(key: string): SessionEntry | undefined {
    return this.#byKey.get(key);
  }

  list(): readonly SessionEntry[] {
    return [...this.#byKey.values()];
  }

  put(entry: SessionEntry): void {
    const known = this.#byKey.get(entry.key)?.rev ?? this.#deletedAt.get(entry.key) ?? -1;
    if (entry.rev <= known) return;
    this.#byKey.set(entry.key, entry);
    this.#deletedAt.delete(entry.key);
  }

  remove(key: string, rev: number): void {
    const known = this.#byKey.get(key);
    if (known !== undefined && known.rev > rev) return;
    this.#byKey.delete(key);
    this.#deletedAt.set(key, rev);
  }
}

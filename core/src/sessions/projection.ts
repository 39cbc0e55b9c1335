import type { SessionEntry } from "../store/tables/session-entry.ts";

/** Deletions that are remembered; news that is older than so many of them has long arrived. */
const MAX_DELETIONS = 10_000;

/**
 * The sessions table in memory. It is fed with what commands returned, in whatever order that news arrives: revisions decide
 * which copy is newer, and a copy from before a deletion does not bring a session back.
 */
export class SessionProjection {
  readonly #byKey = new Map<string, SessionEntry>();
  /** Revision at which a key was last deleted, oldest deletion first. */
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
    this.#deletedAt.delete(key);
    this.#deletedAt.set(key, rev);
    const [oldest] = this.#deletedAt.keys();
    if (this.#deletedAt.size > MAX_DELETIONS && oldest !== undefined) this.#deletedAt.delete(oldest);
  }
}

import type { Clock } from "../../base/clock.ts";
import type { Store } from "../../store/db.ts";
import type { KeptFilter, KeptMessage, KeptPage } from "../../store/tables/kept-messages.ts";

export type { KeptFilter, KeptMessage, KeptPage } from "../../store/tables/kept-messages.ts";

/** What came in and was kept from running, parked or refused, and what its owner decides. */
export interface KeptMessages {
  /** Newest first; a page begins below the id `before`. */
  list(page: { readonly filter: KeptFilter; readonly limit: number; readonly before?: number }): Promise<KeptPage>;
  /** Undefined for a message that is not kept. */
  get(id: number): Promise<KeptMessage | undefined>;
  /**
   * Takes it up again, in its place in the conversation and with whatever was kept with it as one message; what the owner allows now
   * decides on it. Returns how many events: none when it is not kept any more, undefined for one that is not known.
   */
  retry(id: number): Promise<number | undefined>;
  /** As `retry`, but leaves it unanswered. */
  drop(id: number): Promise<number | undefined>;
}

export interface KeptMessagesParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Called, never awaited, when a message may be claimed. */
  readonly wake: () => void;
}

export function createKeptMessages({ store, clock, wake }: KeptMessagesParts): KeptMessages {
  return {
    list: (page) => store.run("kept.list", page),
    get: (id) => store.run("kept.get", { id }),
    async retry(id) {
      const rows = await store.run("kept.retry", { id, at: clock.now() });
      wake();
      return rows?.length;
    },
    async drop(id) {
      const rows = await store.run("kept.drop", { id, reason: "dropped by the owner", at: clock.now() });
      return rows?.length;
    },
  };
}

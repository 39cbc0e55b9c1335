import type { Store } from "../store/db.ts";
import type { AccountName } from "../store/inbox.ts";
import type { DeliveryRecord, StateCount } from "../store/ledger.ts";

export type { DeliveryRecord, StateCount } from "../store/ledger.ts";

/** Rows of one account by state. A state without rows is absent. */
export interface AccountCounts {
  readonly inbox: Readonly<Record<string, number>>;
  readonly outbox: Readonly<Record<string, number>>;
}

/** What happened to every message, as the tables know it. */
export interface Ledger {
  delivery(deliveryId: string): Promise<DeliveryRecord | undefined>;
  /** Counts of every account that ever received or sent. */
  counts(): Promise<readonly StateCount[]>;
}

export function createLedger(store: Store): Ledger {
  return {
    delivery: (deliveryId) => store.run("ledger.delivery", { deliveryId }),
    counts: () => store.run("ledger.counts", {}),
  };
}

/** The share of one account. */
export function countsOf(counts: readonly StateCount[], name: AccountName): AccountCounts {
  const pick = (direction: StateCount["direction"]) =>
    Object.fromEntries(
      counts
        .filter((row) => row.direction === direction && row.channel === name.channel && row.account === name.account)
        .map((row) => [row.state, row.count]),
    );
  return { inbox: pick("in"), outbox: pick("out") };
}

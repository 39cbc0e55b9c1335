import type { Store } from "../store/db.ts";
import type { AccountName } from "../store/tables/inbox.ts";
import type { DeliveryCursor, DeliveryFilter, DeliveryPage } from "../store/tables/deliveries.ts";
import type { FollowedDelivery, PartRecord, StateCount } from "../store/tables/ledger.ts";

export { decisive } from "../store/tables/ledger.ts";
export type { DeliveryRecord, PartRecord, StateCount } from "../store/tables/ledger.ts";

/** Rows of one account by state. A state without rows is absent. */
export interface AccountCounts {
  readonly inbox: Readonly<Record<string, number>>;
  readonly outbox: Readonly<Record<string, number>>;
}

/** What happened to every message, as the tables know it. */
export interface Ledger {
  delivery(deliveryId: string): Promise<FollowedDelivery | undefined>;
  /** Newest first. */
  list(page: {
    readonly filter: DeliveryFilter;
    readonly limit: number;
    readonly after?: DeliveryCursor;
  }): Promise<DeliveryPage>;
  /** Counts of every account that ever received or sent. */
  counts(): Promise<readonly StateCount[]>;
}

export function createLedger(store: Store): Ledger {
  return {
    delivery: (deliveryId) => store.run("ledger.delivery", { deliveryId }),
    list: (page) => store.run("deliveries.list", page),
    counts: () => store.run("ledger.counts", {}),
  };
}

/** True when its fate is unknown and nothing more will be done about it without its owner. */
export const isParkedPart = ({ state, nextAt }: PartRecord): boolean => state === "unknown" && nextAt === undefined;

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

import type { Logger } from "../../base/log.ts";
import type { Store } from "../../store/db.ts";
import type { ParkedParts } from "../../store/tables/deliveries.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { OutboxClaim } from "../../store/tables/outbox.ts";

/** How the owner sends a message again. */
export const retryCommand = (deliveryId: string): string => `openclaw delivery retry ${deliveryId}`;

/** How the owner puts an end to what may have been posted and is not to be sent again. */
const dropCommand = (deliveryId: string): string => `openclaw delivery drop ${deliveryId}`;

/** What the owner does about a part that is parked or dead. The answer of a draft of unknown fate went out by itself. */
export function ownersCommand({ deliveryId, draft }: Pick<OutboxClaim, "deliveryId" | "draft">): string {
  return draft?.stage === "opening" ? dropCommand(deliveryId) : retryCommand(deliveryId);
}

/** What is parked, by account, in memory: health and status ask often, and it changes seldom. */
export interface ParkedBoard {
  of(name: AccountName): ParkedParts | undefined;
  /** Reads it anew. Never rejects. */
  refresh(): Promise<void>;
}

export function createParkedBoard(parts: {
  readonly store: Store;
  readonly log: Logger;
  /** Called, never awaited, after every reading. */
  readonly onChange?: () => void;
}): ParkedBoard {
  let board: readonly ParkedParts[] = [];
  return {
    of: ({ channel, account }) => board.find((entry) => entry.channel === channel && entry.account === account),
    async refresh() {
      try {
        board = await parts.store.run("deliveries.parked", {});
        parts.onChange?.();
      } catch (error) {
        parts.log.warn("what is parked cannot be read", { error: String(error) });
      }
    },
  };
}

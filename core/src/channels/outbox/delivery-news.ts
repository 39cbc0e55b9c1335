import type { PayloadOf } from "openclaw-host-schemas";
import type { Clock } from "../../base/clock.ts";
import type { EventSink } from "../../base/event-sink.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { Settlement } from "../../store/tables/outbox.ts";
import type { SettledPart } from "./account-sender.ts";
import { ownersCommand } from "./parked.ts";

type Fate = Pick<PayloadOf<"delivery">, "state" | "reason" | "fix" | "messageIds">;

/** Undefined while the part is still to be sent or asked about. */
function fateOf(settlement: Settlement, fix: string): Fate | undefined {
  switch (settlement.state) {
    case "sent":
      return { state: "sent", messageIds: [...settlement.receipt.ids] };
    case "dead":
      return { state: "dead", reason: settlement.reason, fix, messageIds: [] };
    case "unknown": {
      if (settlement.nextAt !== undefined) return undefined;
      return { state: "unknown", reason: settlement.reason, fix, messageIds: [] };
    }
    case "retry":
    case "withdrawn":
      return undefined;
  }
}

/** Tells operators the fate of a part once it is settled or parked. */
export function announce(
  parts: { readonly clock: Clock; readonly sink: EventSink },
  { channel, account }: AccountName,
  { claim, settlement }: SettledPart,
): void {
  const { deliveryId, runId, part, draft } = claim;
  // A draft that was found again is no message yet.
  if (draft?.stage === "opening" && settlement.state === "sent") return;
  const fate = fateOf(settlement, ownersCommand(claim));
  if (fate === undefined) return;
  parts.sink.publish("delivery", {
    deliveryId,
    channel,
    accountId: account,
    ...(runId === undefined ? {} : { runId }),
    part: part.index,
    of: part.of,
    ...fate,
    ts: parts.clock.now(),
  });
}

import type { DeliverySummary, ResultOf } from "openclaw-host-schemas";
import type { Clock } from "../base/clock.ts";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { Channels } from "../channels/channels.ts";
import { type DeliveryRecord, type PartRecord, countsOf, decisive, isParkedPart } from "../channels/ledger.ts";
import type { Decided, DeliveryCursor } from "../channels/outbox/outbox.ts";
import type { HandlersFor } from "./handler.ts";

export interface DeliveryMethodParts {
  readonly channels: Pick<Channels, "ledger" | "outbox">;
  readonly clock: Clock;
}

type Family = "delivery.list" | "delivery.get" | "delivery.retry" | "delivery.drop" | "delivery.stats";

const PAGE = 50;

const cursorText = ({ createdAt, deliveryId }: DeliveryCursor): string => `${createdAt}:${deliveryId}`;

function parseCursor(text: string): DeliveryCursor {
  const found = /^(?<at>\d{1,16}):(?<id>.+)$/su.exec(text)?.groups;
  if (found?.["at"] === undefined || found["id"] === undefined) {
    throw invalidRequest("cursor must be the nextCursor of an earlier page");
  }
  return { createdAt: Number(found["at"]), deliveryId: found["id"] };
}

function summaryOf(record: DeliveryRecord): DeliverySummary {
  const { deliveryId, channel, account, runId, outbound, createdAt, parts } = record;
  const { kind, id, threadId } = outbound.to;
  const part = decisive(parts);
  return {
    deliveryId,
    channel,
    accountId: account,
    to: { kind, id, ...(threadId === undefined ? {} : { threadId }) },
    ...(runId === undefined ? {} : { runId }),
    createdAt,
    state: part?.state ?? "dead",
    parked: parts.some(isParkedPart),
    ...(part?.reason === undefined ? {} : { reason: part.reason }),
    parts: parts.length,
    sentParts: parts.filter(({ state }) => state === "sent").length,
  };
}

function partOf(part: PartRecord): ResultOf<"delivery.get">["parts"][number] {
  const { index, state, reason, receipt, attempts, nextAt, changedAt } = part;
  return {
    index,
    state,
    parked: isParkedPart(part),
    ...(reason === undefined ? {} : { reason }),
    messageIds: [...(receipt?.ids ?? [])],
    attempts,
    ...(nextAt === undefined ? {} : { nextAt }),
    changedAt,
  };
}

const unknownDelivery = (deliveryId: string): WireError =>
  invalidRequest(`there is no delivery ${deliveryId}; see: openclaw delivery list`);

async function follow(parts: DeliveryMethodParts, deliveryId: string): Promise<ResultOf<"delivery.get">> {
  const record = await parts.channels.ledger.delivery(deliveryId);
  if (record === undefined) throw unknownDelivery(deliveryId);
  const { outbound, runId, run, events } = record;
  const text = outbound.type === "message" || outbound.type === "edit" ? outbound.body.text : undefined;
  return {
    delivery: summaryOf(record),
    ...(text === undefined ? {} : { text }),
    parts: record.parts.map(partOf),
    events: events.map((event) => ({ ...event })),
    ...(runId === undefined || run === undefined ? {} : { run: { runId, ...run } }),
  };
}

/** Refuses when nothing was there to decide on, and says why. */
function decided(deliveryId: string, what: Decided | undefined, none: string): { deliveryId: string; parts: number } {
  if (what === undefined) throw unknownDelivery(deliveryId);
  if (what.sending) {
    throw new WireError("UNAVAILABLE", "a part of it is being sent at this moment; try again shortly", {
      retryable: true,
      retryAfterMs: 1_000,
    });
  }
  if (what.parts === 0) throw invalidRequest(`${none}; see: openclaw delivery show ${deliveryId}`);
  return { deliveryId, parts: what.parts };
}

async function stats({ channels, clock }: DeliveryMethodParts): Promise<ResultOf<"delivery.stats">> {
  const counts = await channels.ledger.counts();
  const accounts = new Map(
    counts.map(({ channel, account }) => [JSON.stringify([channel, account]), { channel, account }]),
  );
  return {
    ts: clock.now(),
    accounts: [...accounts.values()].map((name) => {
      const { inbox, outbox } = countsOf(counts, name);
      const parked = channels.outbox.parked(name)?.count ?? 0;
      return { channel: name.channel, accountId: name.account, inbox: { ...inbox }, outbox: { ...outbox }, parked };
    }),
  };
}

/** The ledger of what leaves, for its owner: look, follow, send again, give up. */
export function deliveryMethods(parts: DeliveryMethodParts): HandlersFor<Family> {
  const { ledger, outbox } = parts.channels;
  return {
    async "delivery.list"({ state, channel, accountId, eventId, since, limit = PAGE, cursor }) {
      const filter = {
        ...(state === undefined ? {} : { state }),
        ...(channel === undefined ? {} : { channel }),
        ...(accountId === undefined ? {} : { account: accountId }),
        ...(eventId === undefined ? {} : { eventId }),
        ...(since === undefined ? {} : { since }),
      };
      const after = cursor === undefined ? {} : { after: parseCursor(cursor) };
      const { deliveries, more } = await ledger.list({ filter, limit, ...after });
      const last = deliveries.at(-1);
      return {
        deliveries: deliveries.map(summaryOf),
        ...(more && last !== undefined ? { nextCursor: cursorText(last) } : {}),
      };
    },
    "delivery.get": ({ deliveryId }) => follow(parts, deliveryId),
    "delivery.retry": async ({ deliveryId }) =>
      decided(deliveryId, await outbox.retry(deliveryId), "nothing of it is parked or dead"),
    "delivery.drop": async ({ deliveryId }) =>
      decided(deliveryId, await outbox.drop(deliveryId), "nothing of it is left to give up"),
    "delivery.stats": () => stats(parts),
  };
}

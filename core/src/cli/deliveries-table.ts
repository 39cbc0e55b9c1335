import type { DeliverySummary, ResultOf } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

/** The state in the words of people. */
const shownState = ({ state, parked }: { readonly state: string; readonly parked: boolean }): string =>
  parked ? `${state} (parked)` : state;

const time = (at: number): string => new Date(at).toISOString();

/** One delivery a line, newest first. */
export function deliveriesTable(deliveries: readonly DeliverySummary[]): string {
  if (deliveries.length === 0) return "  none\n";
  return table(
    deliveries.map((delivery) => [
      `  ${delivery.deliveryId}`,
      time(delivery.createdAt),
      `${delivery.channel}/${printable(delivery.accountId)}`,
      printable(delivery.to.id),
      `${delivery.sentParts}/${delivery.parts}`,
      shownState(delivery),
      printable(delivery.reason ?? ""),
    ]),
  );
}

/** The way of one message, from the platform's event to the platform's receipt. */
export function deliveryText(followed: ResultOf<"delivery.get">): string {
  const { delivery, text, events, run, parts } = followed;
  const where = `${delivery.channel}/${delivery.accountId}`;
  const rows = [
    ...events.map((event) => ["  event", event.eventId, time(event.receivedAt), event.state, event.messageId ?? ""]),
    ...(delivery.runId === undefined
      ? []
      : [["  run", delivery.runId, "", run?.state ?? "forgotten", run?.sessionKey ?? ""]]),
    [
      "  delivery",
      delivery.deliveryId,
      time(delivery.createdAt),
      shownState(delivery),
      `${where} to ${delivery.to.id}`,
    ],
    ...parts.map((part) => [
      `  part ${part.index + 1} of ${parts.length}`,
      part.messageIds.join(" "),
      time(part.changedAt),
      shownState(part),
      part.reason ?? "",
    ]),
  ];
  const lines = table(rows.map((row) => row.map(printable)));
  return text === undefined ? lines : `${lines}\n${indent(text)}\n`;
}

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `  ${printable(line)}`)
    .join("\n");

/** Rows by state of every account. */
export function statsTable({ accounts }: ResultOf<"delivery.stats">): string {
  if (accounts.length === 0) return "  nothing was received or sent yet\n";
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([state, count]) => `${state} ${count}`)
      .join(", ");
  return table(
    accounts.map(({ channel, accountId, inbox, outbox, parked }) => [
      `  ${channel}/${printable(accountId)}`,
      `in: ${counts(inbox) || "none"}`,
      `out: ${counts(outbox) || "none"}`,
      parked === 0 ? "" : `parked: ${parked}`,
    ]),
  );
}

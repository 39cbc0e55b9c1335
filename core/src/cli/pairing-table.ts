import type { ResultOf } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

type Listed = ResultOf<"channel.pairing.list">;

const MINUTE_MS = 60_000;

/** What a person may have typed as their own name: only shown. */
const nameOf = ({ name, handle }: { name?: string; handle?: string }): string =>
  printable([name, handle === undefined ? undefined : `@${handle}`].filter((part) => part !== undefined).join(" "));

/** Who waits, with the code to approve, and who was let in. `now` is epoch ms. */
export function pairingTable({ requests, approved }: Listed, now: number): string {
  const waiting = requests.map((request) => [
    `  ${request.channel}`,
    request.accountId,
    request.code,
    printable(request.senderId),
    nameOf(request),
    `${Math.max(1, Math.ceil((request.expiresAt - now) / MINUTE_MS))} min left`,
  ]);
  const paired = approved.map((sender) => [
    `  ${sender.channel}`,
    sender.accountId,
    printable(sender.senderId),
    nameOf(sender),
    new Date(sender.approvedAt).toISOString(),
  ]);
  const first =
    waiting.length === 0
      ? "nobody waits for approval\n"
      : `waiting (openclaw pairing approve <channel> <code>):\n${table(waiting)}`;
  return paired.length === 0 ? first : `${first}approved:\n${table(paired)}`;
}

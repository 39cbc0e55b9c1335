import type { AccountSnapshot, ResultOf } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

/** Accounts of every channel, one a line, each with what to do about it when it is not well. */
export function accountsTable(status: ResultOf<"channels.status">): string {
  const rows = status.channelOrder.flatMap((channel) =>
    (status.channelAccounts[channel] ?? []).map((account) => [
      `  ${channel}`,
      account.accountId,
      account.state ?? (account.connected === true ? "ready" : "not connected"),
      printable(whyOf(account)),
    ]),
  );
  return rows.length === 0
    ? "  none configured; add one with: openclaw channels add <channel> --token <token>\n"
    : table(rows);
}

function whyOf(account: AccountSnapshot): string {
  const why = account.detail ?? account.lastError ?? "";
  return account.fix === undefined ? why : `${why} (${account.fix})`;
}

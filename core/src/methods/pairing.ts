import type { PairedSender } from "openclaw-host-schemas";
import { type PairedPerson, type Pairing, shownRequest } from "../channels/policy/pairing.ts";
import type { HandlersFor } from "./handler.ts";

interface Where {
  readonly channel?: string;
  readonly accountId?: string;
}

const shownSender = ({ account, sender, ...person }: PairedPerson): PairedSender => ({
  ...person,
  accountId: account,
  senderId: sender,
});

const isAt =
  ({ channel, accountId }: Where) =>
  (row: { readonly channel: string; readonly accountId: string }): boolean =>
    (channel === undefined || row.channel === channel) && (accountId === undefined || row.accountId === accountId);

const accountOf = ({ accountId }: Where) => (accountId === undefined ? {} : { account: accountId });

/** Strangers who ask to be let in (wire protocol 8.3). */
export function pairingMethods({
  pairing,
}: {
  readonly pairing: Pairing;
}): HandlersFor<`channel.pairing.${"list" | "approve" | "reject" | "remove"}`> {
  return {
    "channel.pairing.list": async (params) => {
      const { requests, approved } = await pairing.list();
      return {
        requests: requests.map(shownRequest).filter(isAt(params)),
        approved: approved.map(shownSender).filter(isAt(params)),
      };
    },
    "channel.pairing.approve": async ({ channel, code, ...where }, { caller }) => ({
      sender: shownSender(await pairing.approve({ channel, code, ...accountOf(where) }, caller.identity)),
    }),
    "channel.pairing.reject": async ({ channel, code, ...where }, { caller }) => ({
      request: shownRequest(await pairing.reject({ channel, code, ...accountOf(where) }, caller.identity)),
    }),
    "channel.pairing.remove": async ({ channel, senderId, ...where }, { caller }) => {
      const removed = await pairing.remove({ channel, sender: senderId, ...accountOf(where) }, caller.identity);
      return { removed: removed.map(shownSender) };
    },
  };
}

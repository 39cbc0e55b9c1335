import type { AccountCtx } from "openclaw-host-sdk";
import type { HostMethods } from "../line/host-methods.ts";
import type { Rpc } from "../line/rpc.ts";
import type { GuestContext } from "./contexts.ts";

/** An append may wait for a slow disk; after this the event must be offered again, ms. */
const RECEIVE_TIMEOUT_MS = 60_000;

/** The doors of a connected account that lead to the gateway's inbox. */
export function accountDoors(
  rpc: Rpc<HostMethods>,
  context: GuestContext,
): Pick<AccountCtx<unknown>, "receive" | "cursor" | "health" | "http"> {
  let last: Promise<unknown> = Promise.resolve();
  const options = { timeoutMs: RECEIVE_TIMEOUT_MS };
  return {
    receive(batch, receiveOptions = {}) {
      const cursor = receiveOptions.cursor === undefined ? {} : { cursor: receiveOptions.cursor };
      const send = () => rpc.call("account.receive", { context: context.id, batch, ...cursor }, options);
      // One in flight per account: the cursor must not go backwards.
      const outcomes = last.then(send, send);
      last = outcomes.catch(() => {});
      return outcomes.then((list) => [...list]);
    },
    cursor: async () => (await rpc.call("account.cursor", { context: context.id }, options)) ?? undefined,
    health: (health) => rpc.note("account.health", { context: context.id, health }),
    http: () =>
      Promise.reject(new Error("this gateway has no webhook address yet; use the platform's polling or socket mode")),
  };
}

import type { Carrier, GuestExit } from "./carrier.ts";
import { createLinePair } from "./line/line.ts";

/**
 * Runs a guest in this very process. Every message is still cloned, so an extension sees the same values everywhere. The
 * guest's code is loaded when needed: a gateway whose guests are processes has no use for it.
 */
export async function startInlineCarrier(): Promise<Carrier> {
  const pair = createLinePair();
  const ended = Promise.withResolvers<GuestExit>();
  const { serveGuest } = await import("./guest/serve.ts");
  const guest = serveGuest(pair.guest);
  return {
    isolation: "inline",
    line: pair.host,
    pid: undefined,
    exited: ended.promise,
    kill() {
      pair.cut();
      guest.close("the host ended this guest");
      ended.resolve({ code: 0, signal: null });
    },
  };
}

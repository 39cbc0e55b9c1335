import { systemClock } from "../../base/clock.ts";
import type { GuestMethods, LoadOutcome } from "../line/guest-methods.ts";
import type { HostMethods } from "../line/host-methods.ts";
import type { MessageLine } from "../line/line.ts";
import { type Rpc, createRpc } from "../line/rpc.ts";
import { createStreamTable } from "../line/streams.ts";
import { channelHandlers } from "./channels.ts";
import { createContexts } from "./contexts.ts";
import { type LoadedExtension, loadExtension } from "./load.ts";
import { turnHandlers } from "./turns.ts";

/** A guest that serves. */
export interface GuestServer {
  /** The line is dead: whatever is under way is aborted and every effect undone. */
  close(reason: string): void;
}

/**
 * The guest's side of the line: loads one extension when the host says so and serves its channels and agents. What an
 * extension does is confined to its contexts, whose doors are calls back to the host.
 */
export function serveGuest(line: MessageLine): GuestServer {
  const streams = createStreamTable();
  let loaded: LoadedExtension | undefined;
  let spoolDir = "";
  const definition = (): LoadedExtension => {
    if (loaded === undefined) throw new Error("the extension is not loaded yet");
    return loaded;
  };
  const contexts = createContexts({ rpc: () => rpc, streams, clock: systemClock, spoolDir: () => spoolDir });
  const rpc: Rpc<HostMethods> = createRpc<GuestMethods, HostMethods>({
    line,
    clock: systemClock,
    handlers: {
      async load(order): Promise<LoadOutcome> {
        const outcome = await loadExtension(order);
        if (!outcome.ok) return outcome;
        loaded = outcome.extension;
        spoolDir = order.spoolDir;
        return { ok: true, ...outcome.summary };
      },
      ping: () => null,
      ...channelHandlers({ definition, contexts, rpc: () => rpc }),
      ...turnHandlers({ definition, contexts, clock: systemClock }),
      "stream.read": ({ stream }) => streams.read(stream),
      async "stream.cancel"({ stream }) {
        await streams.cancel(stream);
        return null;
      },
      async stop() {
        await contexts.closeAll();
        await streams.close();
        return null;
      },
    },
  });
  return {
    close(reason) {
      rpc.close(reason);
      // An inline guest leaves its effects behind otherwise; a process dies with them. Failures were already logged.
      contexts.closeAll().catch(() => {});
    },
  };
}

import type { Closed } from "openclaw-host-sdk";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import type { AccountDoors } from "../channel-port.ts";
import type { Egress } from "../net/egress.ts";

/** In whose name a guest's calls come. Only the host makes these, so a guest cannot speak for another account. */
export interface HostContext {
  /** Scope of its store: `<channel>/<account>` or `agent/<id>`. */
  readonly scope: string;
  readonly egress: Egress;
  readonly log: Logger;
  /** Present while an account is connecting or connected. */
  readonly account?: {
    readonly doors: AccountDoors;
    /** The guest says that the link has ended. */
    readonly closed: (closed: Closed) => void;
  };
}

/** The open contexts of one guest, by the handle it was given. */
export interface HostContexts {
  /** Returns the handle under which the guest's calls will come. */
  open(context: HostContext): string;
  /** Throws when there is no such context. */
  need(id: string): HostContext;
  /** Shuts the doors: calls under this handle fail from now on. Calling it twice is harmless. */
  close(id: string): void;
  /** The guest is gone: every connection is closed for the same reason. */
  closeAll(closed: Closed): void;
}

/** Random, so that a guest cannot guess the context of another account it also serves. */
const ID_BYTES = 12;

/** Nothing is open at first. */
export function createHostContexts(ids: Ids): HostContexts {
  const open = new Map<string, HostContext>();
  return {
    open(context) {
      const id = ids.token(ID_BYTES);
      open.set(id, context);
      return id;
    },
    need(id) {
      const context = open.get(id);
      if (context === undefined) throw new Error("this connection is closed; its doors are shut");
      return context;
    },
    close: (id) => void open.delete(id),
    closeAll(closed) {
      const all = [...open.values()];
      open.clear();
      for (const context of all) context.account?.closed(closed);
    },
  };
}

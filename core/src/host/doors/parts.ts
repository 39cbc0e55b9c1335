import type { Clock } from "../../base/clock.ts";
import type { Spool } from "../../media/spool.ts";
import type { MediaStore } from "../../media/store.ts";
import type { Store } from "../../store/db.ts";
import type { GuestMethods } from "../line/guest-methods.ts";
import type { Rpc } from "../line/rpc.ts";
import type { StreamTable } from "../line/streams.ts";
import type { Exchanger } from "../net/exchange.ts";
import type { HostContexts } from "./contexts.ts";

/** What the doors of one guest lead to. */
export interface DoorParts {
  readonly extension: string;
  readonly contexts: HostContexts;
  readonly store: Store;
  readonly media: MediaStore;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly streams: StreamTable;
  readonly exchanger: Exchanger;
  /** `<state>/extensions-data/<id>`. */
  readonly dataDir: string;
  /** The line back to the guest, for the bodies of its requests. */
  readonly rpc: () => Rpc<GuestMethods>;
  /** The last words of a dying guest. */
  readonly onFault: (message: string) => void;
}

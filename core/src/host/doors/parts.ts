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
  /** Id of the extension; it owns what comes in through these doors. */
  readonly extension: string;
  readonly contexts: HostContexts;
  readonly store: Store;
  readonly media: MediaStore;
  /** The folder through which its media moves. */
  readonly spool: Spool;
  readonly clock: Clock;
  /** Bodies of answers that the guest still reads. */
  readonly streams: StreamTable;
  readonly exchanger: Exchanger;
  /** `<state>/extensions-data/<id>`. */
  readonly dataDir: string;
  /** The line back to the guest, for the bodies of its requests. */
  readonly rpc: () => Rpc<GuestMethods>;
  /** The last words of a dying guest. */
  readonly onFault: (message: string) => void;
}

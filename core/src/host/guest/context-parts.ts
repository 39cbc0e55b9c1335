import type { Clock } from "../../base/clock.ts";
import type { HostMethods } from "../line/host-methods.ts";
import type { Rpc } from "../line/rpc.ts";
import type { StreamTable } from "../line/streams.ts";

/** What a context is made of; `rpc` and `spoolDir` are known once the guest is set up. */
export interface ContextParts {
  readonly rpc: () => Rpc<HostMethods>;
  readonly streams: StreamTable;
  readonly clock: Clock;
  readonly spoolDir: () => string;
}

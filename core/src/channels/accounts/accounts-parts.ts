import type { Clock, Undo } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../../store/db.ts";
import type { ParkedParts } from "../../store/tables/deliveries.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { Link } from "./account-state.ts";
import type { GuestCalls } from "../guest-call.ts";
import type { Inbox } from "../inbox/inbox.ts";
import type { ChannelRegistry } from "../registry.ts";

/** The configuration as the channel domain needs it. */
export interface ChannelConfigs {
  /** The `channels` section as it is now: secrets are references. */
  section(): Readonly<Record<string, unknown>>;
  /** Replaces the secrets that `schema` marks by their values; throws an `Error` that names the one it could not read. */
  resolve(schema: object, config: unknown): Promise<unknown>;
}

/** What the accounts need from their surroundings. */
export interface AccountsParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly calls: GuestCalls;
  readonly store: Store;
  readonly inbox: Pick<Inbox, "receive" | "cursor">;
  readonly registry: ChannelRegistry;
  readonly configs: ChannelConfigs;
  /** What of an account waits for its owner. */
  readonly parked: (name: AccountName) => ParkedParts | undefined;
  /** A connection is up; the undo runs when it ends. */
  readonly onLink: (name: AccountName, link: Link) => Undo;
  /** Something `channels.status` shows has changed. Called, never awaited. */
  readonly onChange?: () => void;
}

import type { Lanes } from "../../agent/lanes.ts";
import type { Runtimes } from "../../agent/runtimes.ts";
import { type DeliveryId, deliveryId, type SessionKey } from "../../base/brand.ts";
import type { Clock } from "../../base/clock.ts";
import type { EventSink } from "../../base/event-sink.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import { newRowId } from "../../base/row-id.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { Store } from "../../store/db.ts";
import type { Inbox } from "../inbox/inbox.ts";
import type { Drafts } from "../outbox/drafts.ts";
import type { Plan } from "../outbox/outbound.ts";

export interface AgentSettings {
  /** Limit of a run that names none itself, ms; 0 for none. */
  readonly timeoutMs: number;
  /** Model of sessions that chose none. */
  readonly model?: string;
}

/** What every turn needs, whatever its door. */
export interface TurnParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly sink: EventSink;
  readonly lanes: Lanes;
  readonly runtimes: Runtimes;
  /** What the configuration says of an agent now. */
  readonly settings: (agentId: string) => AgentSettings;
  /** Messages of the transcript that a runtime is given at most. Default as `chat.history` shows. */
  readonly historyLimit?: number;
  /** Renders and chunks an answer into intents; stores nothing. */
  readonly plan: Plan;
  /** Without drafts no answer is shown before it is complete. */
  readonly outbox: { wake(): void; readonly drafts?: Drafts };
  readonly inbox: Pick<Inbox, "retry">;
  /** Gives the key an empty transcript; waits for a run of it, or throws a `WireError`. */
  readonly resetSession: (key: SessionKey) => Promise<unknown>;
  /** A runtime ignored an abort: recycle its guest. */
  readonly onStuck: (runtime: string, runId: string) => void;
}

export const newDeliveryId = (parts: Pick<TurnParts, "clock" | "ids">): DeliveryId => deliveryId(newRowId(parts));

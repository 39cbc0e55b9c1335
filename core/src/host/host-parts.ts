import type { AgentRuntime } from "../agent/runtime.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { MediaStore } from "../media/store.ts";
import type { Store } from "../store/db.ts";
import type { Isolation } from "./carrier.ts";
import type { ChannelPort } from "./channel-port.ts";
import type { Discovered } from "./discover/discover.ts";
import type { SupervisionPolicy } from "./supervise.ts";

/** What the host is made of. Parts of other domains come as functions. */
export interface ExtensionHostParts {
  readonly extensions: readonly Discovered[];
  /** Holds `cache/`, `spool/` and `extensions-data/`, one folder per extension in each. */
  readonly stateDir: string;
  /** Where an extension runs; default `process`. */
  readonly isolationOf: (extension: string) => Isolation;
  /** True when the configuration uses this channel or agent: only then its extension is loaded. */
  readonly isConfigured: (kind: "channel" | "agent", id: string) => boolean;
  /** Settings of an agent runtime, secrets resolved; may be a promise. Asked for each turn. */
  readonly agentConfig: (agent: string) => unknown;
  readonly registerChannel: (port: ChannelPort) => Undo;
  readonly registerAgent: (runtime: AgentRuntime) => Undo;
  readonly store: Store;
  readonly media: MediaStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** Takes secrets out of the reasons that are shown. */
  readonly redact: (text: string) => string;
  /** Environment of guest processes: what the operator's network needs (proxy certificates, time zone). Default empty. */
  readonly guestEnv?: Readonly<Record<string, string>>;
  readonly policy?: Partial<SupervisionPolicy>;
}

import type { ExtensionRow } from "openclaw-host-schemas";
import type { AgentRuntime } from "../agent/runtime.ts";
import type { Clock, Undo } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { MediaStore } from "../media/store.ts";
import type { Store } from "../store/db.ts";
import type { Isolation } from "./carrier.ts";
import type { ChannelPort } from "./channel-port.ts";
import type { Discovered } from "./discover/discover.ts";
import { type HostedExtension, hostExtension } from "./hosted.ts";
import { DEFAULT_POLICY, type SupervisionPolicy } from "./supervise.ts";

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

/** All extensions of this gateway. */
export interface ExtensionHost {
  /** Begins to load what is needed. Returns at once: no extension can delay or fail the gateway's start. */
  start(): void;
  /** Resolves when nothing is in its first `loading` any more. */
  settled(): Promise<void>;
  /** Rows of `extensions.list`, ordered by id. */
  list(): ExtensionRow[];
  /** Ends the guest of an agent that ignored an abort; it is started again. */
  recycleAgent(agent: string, reason: string): void;
  /** Unregisters everything and ends every guest. Accounts should have been drained before. */
  stop(): Promise<void>;
}

/** Makes the host; nothing runs before `start`. */
export function createExtensionHost(parts: ExtensionHostParts): ExtensionHost {
  const policy = { ...DEFAULT_POLICY, ...parts.policy };
  const hosted: readonly HostedExtension[] = parts.extensions.map((found) =>
    hostExtension({ ...parts, policy, found }),
  );
  return {
    start() {
      for (const extension of hosted) extension.start();
    },
    async settled() {
      await Promise.all(hosted.map((extension) => extension.settled()));
    },
    list: () => hosted.map((extension) => extension.row()).sort((a, b) => (a.id < b.id ? -1 : 1)),
    recycleAgent(agent, reason) {
      for (const extension of hosted) if (extension.agents.includes(agent)) extension.recycle(reason);
    },
    async stop() {
      await Promise.all(hosted.map((extension) => extension.stop()));
    },
  };
}

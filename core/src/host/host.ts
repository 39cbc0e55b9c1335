import type { ExtensionRow } from "openclaw-host-schemas";
import type { ExtensionHostParts } from "./host-parts.ts";
import { type HostedExtension, hostExtension } from "./hosted.ts";
import { DEFAULT_POLICY } from "./supervise.ts";

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

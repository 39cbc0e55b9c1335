import type { ExtensionState } from "openclaw-host-schemas";
import type { Clock } from "../base/clock.ts";

/** Where an extension stands, and what that state needs to be understood. */
export type Life =
  | { readonly state: "discovered" }
  /** Will not run until something outside the gateway changes. */
  | { readonly state: "refused"; readonly reason: string; readonly fix: string }
  /** May run, and nothing needs it. */
  | { readonly state: "enabled"; readonly reason: string; readonly fix: string }
  | { readonly state: "loading" }
  | { readonly state: "active"; readonly loadMs: number }
  /** Runs, but does not answer as it should. */
  | { readonly state: "degraded"; readonly loadMs: number; readonly reason: string }
  | { readonly state: "crashed"; readonly reason: string }
  | { readonly state: "backoff"; readonly reason: string; readonly retryAt: number }
  /** Crashed too often; the host no longer tries. */
  | { readonly state: "quarantined"; readonly reason: string; readonly fix: string }
  | { readonly state: "removed" };

/** Which state may follow which. */
const NEXT: { readonly [S in ExtensionState]: readonly ExtensionState[] } = {
  discovered: ["refused", "enabled", "removed"],
  refused: ["removed"],
  enabled: ["loading", "removed"],
  loading: ["active", "refused", "crashed", "removed"],
  active: ["degraded", "crashed", "removed"],
  degraded: ["active", "crashed", "removed"],
  crashed: ["backoff", "quarantined", "removed"],
  backoff: ["loading", "removed"],
  quarantined: ["removed"],
  removed: [],
};

export interface Lifecycle {
  readonly current: Life;
  /** When the current state was entered, epoch ms. */
  readonly since: number;
  /** Throws when the state machine has no such step: that is a bug of the host. */
  enter(life: Life): void;
}

/** A new extension: found, and nothing else is known. */
export function createLifecycle(clock: Clock): Lifecycle {
  let current: Life = { state: "discovered" };
  let since = clock.now();
  return {
    get current() {
      return current;
    },
    get since() {
      return since;
    },
    enter(life) {
      if (!NEXT[current.state].includes(life.state)) {
        throw new Error(`an extension cannot go from ${current.state} to ${life.state}`);
      }
      current = life;
      since = clock.now();
    },
  };
}

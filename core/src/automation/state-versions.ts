import type { StateVersion } from "openclaw-host-schemas";

/** Counts the changes of presence and health, so that a client knows which of two snapshots is newer. */
export interface StateVersions {
  readonly current: StateVersion;
  bump(part: keyof StateVersion): StateVersion;
}

/** Both start at 1 (wire protocol section 4, "stateVersion"). */
export function createStateVersions(): StateVersions {
  let current: StateVersion = Object.freeze({ presence: 1, health: 1 });
  return {
    get current() {
      return current;
    },
    bump(part) {
      current = Object.freeze({ ...current, [part]: current[part] + 1 });
      return current;
    },
  };
}

import { type ResultOf, scopeCovers } from "openclaw-host-schemas";
import type { Health } from "../automation/health.ts";
import type { Presence } from "../automation/presence.ts";
import type { SystemEvents } from "../automation/system-events.ts";
import { invalidRequest } from "../base/wire-error.ts";
import type { HandlersFor } from "./handler.ts";

type Status = ResultOf<"status">;

export interface SystemMethodsParts {
  readonly health: Health;
  readonly presence: Presence;
  readonly systemEvents: SystemEvents;
  /** Everything there is to tell; what the caller may not see is removed here. */
  readonly status: () => Omit<Status, "queuedSystemEvents">;
}

type SystemMethod = "health" | "status" | "system-presence" | "system-event" | "last-heartbeat";

/** The gateway about itself (wire protocol 5.2). */
export function systemMethods({
  health,
  presence,
  systemEvents,
  status,
}: SystemMethodsParts): HandlersFor<SystemMethod> {
  return {
    health: (params) => health.get({ probe: wantsProbe(params) }),
    status(_params, { caller }) {
      const full = { ...status(), queuedSystemEvents: [...systemEvents.list()] };
      return scopeCovers(caller.scopes, "operator.admin") ? full : withoutPaths(full);
    },
    "system-presence": () => presence.list(),
    "system-event"(params) {
      const text = params.text.trim();
      if (text === "") throw invalidRequest("text required");
      if (presence.report({ ...params, text })) systemEvents.push(text);
      return { ok: true };
    },
    // Heartbeats are not built yet, so none has happened.
    "last-heartbeat": () => null,
  };
}

const wantsProbe = (params: unknown): boolean =>
  typeof params === "object" && params !== null && "probe" in params && params.probe === true;

/** Only admins learn where things are kept and who talks (wire protocol 5.2). */
const withoutPaths = (status: Status): Status => ({
  ...status,
  sessions: {
    ...status.sessions,
    paths: [],
    defaults: { model: null, contextTokens: null },
    recent: [],
    byAgent: status.sessions.byAgent.map((row) => ({ ...row, path: "[redacted]", recent: [] })),
  },
});

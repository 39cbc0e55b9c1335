import type { Actor, Capabilities, Closed, Health } from "openclaw-host-sdk";
import { backoffMs } from "../../base/backoff.ts";
import type { Circuit } from "./circuit.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";

/** Who an account is on its platform, from `probe`. */
export interface Identity {
  readonly self: Actor;
  readonly lease: string;
}

/** A live connection and what it can do. */
export interface Link {
  readonly identity: Identity;
  readonly capabilities: Capabilities;
  readonly connection: ChannelConnection;
}

/** Where one account is in its life. Times are epoch ms; `attempt` counts connections without a stable one since, from 1. */
export type AccountState =
  | { readonly phase: "idle"; readonly since: number }
  | { readonly phase: "probing"; readonly since: number; readonly attempt: number }
  | { readonly phase: "connecting"; readonly since: number; readonly attempt: number; readonly identity: Identity }
  | { readonly phase: "connected"; readonly since: number; readonly link: Link }
  | {
      readonly phase: "waiting";
      readonly since: number;
      readonly until: number;
      readonly attempt: number;
      readonly why: Closed;
      /** Set while the account rests because of an open circuit: failures in a row. */
      readonly restsAfter?: number;
    }
  /** Only a change of the configuration or a new login helps. */
  | { readonly phase: "failed"; readonly since: number; readonly why: Closed }
  | { readonly phase: "stopped"; readonly since: number };

/** First and longest wait between connections, ms. */
const RECONNECT = { baseMs: 1_000, maxMs: 5 * 60_000 };
/** A connection that lasted this long was a good one: the next failure is a first failure, ms. */
export const STABLE_MS = 60_000;

/** What is known when a connection has ended. */
export interface Ending {
  readonly attempt: number;
  readonly circuit: Circuit;
  readonly now: number;
  readonly fraction: () => number;
}

/**
 * What follows the end of a connection. `now` is believed once; a platform that says it again and again gets the back-off of
 * a failing one. A delay that the platform asked for is kept, whatever else is waited for.
 */
export function afterClosed(why: Closed, ending: Ending): AccountState {
  const { attempt, circuit, now } = ending;
  if (why.retry === "never") return { phase: "failed", since: now, why };
  const until = now + Math.max(ownWait(why, ending), why.retryAfterMs ?? 0);
  const resting = circuit.state === "open" ? { restsAfter: circuit.count } : {};
  return { phase: "waiting", since: now, until, attempt, why, ...resting };
}

/** What the gateway itself waits, ms; jittered, so that accounts that failed together do not come back together. */
function ownWait(why: Closed, { attempt, circuit, fraction }: Ending): number {
  if (circuit.state === "open") return circuit.restMs + Math.round((circuit.restMs / 10) * fraction());
  return why.retry === "now" && attempt <= 1 ? 0 : backoffMs(attempt, { ...RECONNECT, fraction });
}

const RETRIES: readonly unknown[] = ["now", "backoff", "never"] satisfies Closed["retry"][];

/** Longest wait a channel may ask for, ms. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

/** Reads the reason a guest gave; a missing or broken one is an ordinary failure. */
export function parseClosed(value: unknown): Closed {
  const unreadable: Closed = {
    retry: "backoff",
    code: "closed",
    detail: "the channel closed without a readable reason",
  };
  if (typeof value !== "object" || value === null) return unreadable;
  const closed = value as Partial<Closed>;
  if (!RETRIES.includes(closed.retry)) return unreadable;
  const { retry = "backoff", code, detail, fix, retryAfterMs, loggedOut } = closed;
  return {
    retry,
    code: typeof code === "string" ? code : unreadable.code,
    detail: typeof detail === "string" ? detail : unreadable.detail,
    ...(typeof fix === "string" ? { fix } : {}),
    ...(typeof retryAfterMs === "number" && retryAfterMs > 0
      ? { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }
      : {}),
    ...(loggedOut === true ? { loggedOut } : {}),
  };
}

type StateHealth = Pick<Health, "state" | "since" | "detail" | "fix">;

function unhealthy(state: Health["state"], since: number, why: Closed): StateHealth {
  return {
    state: why.loggedOut === true ? "logged-out" : state,
    since,
    detail: why.detail,
    ...(why.fix === undefined ? {} : { fix: why.fix }),
  };
}

/** An account that rests says so, until when, and how its owner gets it going sooner. */
function resting({ why, until, restsAfter }: Extract<AccountState, { phase: "waiting" }>): Closed {
  if (restsAfter === undefined) return why;
  const rest = `it failed ${restsAfter} times in a row, so the gateway rests until ${new Date(until).toISOString()}`;
  const sooner = "to try sooner: openclaw channels status --probe";
  return { ...why, detail: `${why.detail}; ${rest}`, fix: why.fix === undefined ? sooner : `${why.fix}; ${sooner}` };
}

/** Health as far as the phase tells; while connected the channel's own report refines it. */
export function healthOf(state: AccountState): StateHealth {
  switch (state.phase) {
    case "idle":
      return { state: "starting", since: state.since };
    case "probing":
    case "connecting":
      return { state: state.attempt > 1 ? "degraded" : "starting", since: state.since };
    case "connected":
      return { state: "ready", since: state.since };
    case "waiting":
      return unhealthy("degraded", state.since, resting(state));
    case "failed":
      return unhealthy("failed", state.since, state.why);
    case "stopped":
      return { state: "failed", since: state.since, detail: "stopped" };
  }
}

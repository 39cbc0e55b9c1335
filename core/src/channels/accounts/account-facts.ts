import type { Health } from "openclaw-host-sdk";
import { type AccountState, type Identity, healthOf } from "./account-state.ts";

/** What is known of one supervised account, as `channels.status` and `health` tell it. Times are epoch ms. */
export interface AccountFacts {
  readonly state: AccountState;
  readonly health: Health;
  readonly identity?: Identity;
  /** Connections that failed since the last good one. */
  readonly reconnectAttempts: number;
  readonly lastStartAt: number;
  readonly lastStopAt?: number;
  readonly lastConnectedAt?: number;
  readonly lastProbeAt?: number;
  readonly lastInboundAt?: number;
  readonly lastOutboundAt?: number;
  readonly lastError?: string;
}

/** Facts of an account that starts now. */
export function initialFacts(now: number): AccountFacts {
  const state: AccountState = { phase: "idle", since: now };
  return { state, health: healthOf(state), reconnectAttempts: 0, lastStartAt: now };
}

function identityOf(state: AccountState): Identity | undefined {
  if (state.phase === "connecting") return state.identity;
  return state.phase === "connected" ? state.link.identity : undefined;
}

/** `since` moves only when the kind of health changes. */
function withSince(before: Health, next: Omit<Health, "since"> & { since: number }): Health {
  return before.state === next.state ? { ...next, since: before.since } : next;
}

/** The facts after a step of the account's life. */
export function afterState(facts: AccountFacts, state: AccountState): AccountFacts {
  const identity = identityOf(state);
  const roundTrip = facts.health.lastRoundTripAt === undefined ? {} : { lastRoundTripAt: facts.health.lastRoundTripAt };
  const next = { ...facts, state, health: withSince(facts.health, { ...roundTrip, ...healthOf(state) }) };
  switch (state.phase) {
    case "idle":
    case "probing":
      return next;
    case "connecting":
      return { ...next, lastProbeAt: state.since, ...(identity === undefined ? {} : { identity }) };
    case "connected": {
      const health = { ...next.health, lastRoundTripAt: state.since };
      return { ...next, health, lastConnectedAt: state.since, reconnectAttempts: 0 };
    }
    case "waiting":
      return { ...next, lastError: state.why.detail, reconnectAttempts: state.attempt };
    case "failed":
      return { ...next, lastError: state.why.detail, lastStopAt: state.since };
    case "stopped":
      return { ...next, lastStopAt: state.since };
  }
}

/** The facts after the channel's own report; only a connected account is believed. */
export function afterReport(facts: AccountFacts, report: Omit<Health, "since">, now: number): AccountFacts {
  if (facts.state.phase !== "connected") return facts;
  const roundTrip = facts.health.lastRoundTripAt === undefined ? {} : { lastRoundTripAt: facts.health.lastRoundTripAt };
  const health = withSince(facts.health, { ...roundTrip, ...report, since: now });
  return {
    ...facts,
    health,
    ...(report.state === "ready" || report.detail === undefined ? {} : { lastError: report.detail }),
  };
}

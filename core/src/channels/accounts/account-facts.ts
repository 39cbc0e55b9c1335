import type { Health } from "openclaw-host-sdk";
import { type AccountState, type Identity, healthOf } from "./account-state.ts";
import type { Circuit } from "./circuit.ts";

/** What is known of one supervised account, as `channels.status` and `health` tell it. Times are epoch ms. */
export interface AccountFacts {
  readonly state: AccountState;
  readonly health: Health;
  /** Since when it has not been ready, whatever it was meanwhile. */
  readonly downSince?: number;
  readonly identity?: Identity;
  /** Whether it is kept from connecting too often. */
  readonly circuit: Circuit["state"];
  /** Connections that failed since the last one that stood. */
  readonly reconnectAttempts: number;
  readonly lastStartAt: number;
  readonly lastStopAt?: number;
  readonly lastConnectedAt?: number;
  /** When the platform was last asked who the account is, whatever it answered. */
  readonly lastProbeAt?: number;
  readonly lastInboundAt?: number;
  readonly lastOutboundAt?: number;
  /** Why it is not ready; forgotten once it is: clients show it as the account's present error. */
  readonly lastError?: string;
}

/** Facts of an account that starts now. */
export function initialFacts(now: number): AccountFacts {
  const state: AccountState = { phase: "idle", since: now };
  return { state, health: healthOf(state), downSince: now, circuit: "closed", reconnectAttempts: 0, lastStartAt: now };
}

function identityOf(state: AccountState): Identity | undefined {
  if (state.phase === "connecting") return state.identity;
  return state.phase === "connected" ? state.link.identity : undefined;
}

/** `since` moves only when the kind of health changes. */
function withSince(before: Health, next: Omit<Health, "since"> & { since: number }): Health {
  return before.state === next.state ? { ...next, since: before.since } : next;
}

const roundTripOf = ({ lastRoundTripAt }: Health) => (lastRoundTripAt === undefined ? {} : { lastRoundTripAt });

/** While it tries again, what went wrong before is still why it is not ready. */
function lastReason({ health: { state: before, detail, fix } }: AccountFacts, { phase }: AccountState) {
  if (before === "ready" || (phase !== "probing" && phase !== "connecting")) return {};
  return { ...(detail === undefined ? {} : { detail }), ...(fix === undefined ? {} : { fix }) };
}

function withoutError({ lastError: _forgotten, ...facts }: AccountFacts): AccountFacts {
  return facts;
}

/** Keeps `downSince` in step with the health. */
function counted(facts: AccountFacts): AccountFacts {
  const { downSince, ...others } = facts;
  if (facts.health.state === "ready") return others;
  return { ...others, downSince: downSince ?? facts.health.since };
}

/** The facts after a step of the account's life. */
export const afterState = (facts: AccountFacts, state: AccountState): AccountFacts => counted(stepped(facts, state));

function stepped(facts: AccountFacts, state: AccountState): AccountFacts {
  const identity = identityOf(state);
  const health = withSince(facts.health, {
    ...roundTripOf(facts.health),
    ...lastReason(facts, state),
    ...healthOf(state),
  });
  const next = { ...facts, state, health };
  switch (state.phase) {
    case "idle":
    case "probing":
      return next;
    case "connecting":
      return identity === undefined ? next : { ...next, identity };
    case "connected": {
      const earned = { ...health, lastRoundTripAt: state.since };
      return { ...withoutError(next), health: earned, lastConnectedAt: state.since, reconnectAttempts: 0 };
    }
    case "waiting":
      return { ...next, lastError: state.why.detail, reconnectAttempts: state.attempt };
    case "failed":
      return { ...next, lastError: state.why.detail, lastStopAt: state.since };
    case "stopped":
      return { ...next, lastStopAt: state.since };
  }
}

/** The facts after the channel's own report, or what its host found out; only a connected account is believed. */
export function afterReport(facts: AccountFacts, report: Omit<Health, "since">, now: number): AccountFacts {
  if (facts.state.phase !== "connected") return facts;
  const { lastRoundTripAt: told, ...said } = report;
  const before = facts.health.lastRoundTripAt;
  // A time that has not come yet proves nothing, and an older one than is known is no news.
  const roundTrip = told === undefined ? before : Math.max(before ?? 0, Math.min(told, now));
  const proven = roundTrip === undefined ? {} : { lastRoundTripAt: roundTrip };
  const next = { ...facts, health: withSince(facts.health, { ...said, ...proven, since: now }) };
  if (report.state === "ready") return counted(withoutError(next));
  return counted(report.detail === undefined ? next : { ...next, lastError: report.detail });
}

/** The facts after a completed call to the platform. */
export function afterRoundTrip(facts: AccountFacts, now: number): AccountFacts {
  return { ...facts, health: { ...facts.health, lastRoundTripAt: now } };
}

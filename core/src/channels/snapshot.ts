import type { Health } from "openclaw-host-sdk";
import type { ParkedParts } from "../store/tables/deliveries.ts";
import type { AccountView, Accounts } from "./accounts/accounts.ts";
import { retryCommand } from "./outbox/parked.ts";
import type { ChannelRegistry } from "./registry.ts";

/** How one account is, in the words of `channels.status` and `health`. */
export interface AccountStateSummary {
  /** The contract's health state, or `disabled`, or `unavailable` when no loaded extension provides the channel. */
  readonly state: string;
  readonly since?: number;
  readonly running: boolean;
  readonly connected: boolean;
  readonly linked: boolean;
  readonly reconnectAttempts: number;
  /** `open` while the account rests because it failed too often, `half-open` for the one attempt after that. */
  readonly circuit?: string;
  /** When it connects again, epoch ms; while it waits. */
  readonly nextAttemptAt?: number;
  /** Why the state is not `ready`, and what to do about it. */
  readonly detail?: string;
  readonly reason?: string;
  readonly fix?: string;
  readonly lastRoundTripAt?: number;
}

const IDLE = { running: false, connected: false, linked: false, reconnectAttempts: 0 };

function absent({ configured, absentSince: since }: AccountView): AccountStateSummary {
  const { channel, enabled } = configured;
  if (!enabled) return { ...IDLE, state: "disabled", reason: "switched off by enabled: false" };
  const detail = `no loaded extension provides channel ${channel}`;
  const fix = "see: openclaw extension list";
  return { ...IDLE, state: "unavailable", detail, reason: detail, fix, ...(since === undefined ? {} : { since }) };
}

/** What is wrong with the account comes first; what is wrong with single messages may wait. */
function why(
  parked: ParkedParts | undefined,
  health: Pick<Health, "detail" | "fix">,
): Pick<AccountStateSummary, "detail" | "reason" | "fix"> {
  const { detail, fix } = health;
  if (detail !== undefined) return { detail, reason: detail, ...(fix === undefined ? {} : { fix }) };
  if (parked === undefined) return fix === undefined ? {} : { fix };
  const { count, deliveryId } = parked;
  const what = count === 1 ? "a message is parked: it" : `${count} message parts are parked: each`;
  const text = `${what} may or may not have arrived; see: openclaw delivery list --state unknown`;
  return { detail: text, reason: text, fix: `to send it again: ${retryCommand(deliveryId)}` };
}

export function accountState(view: AccountView): AccountStateSummary {
  const { facts } = view;
  if (facts === undefined) return absent(view);
  const { state, health } = facts;
  return {
    state: health.state,
    since: health.since,
    running: state.phase !== "stopped" && state.phase !== "failed",
    connected: state.phase === "connected",
    linked: facts.identity !== undefined && health.state !== "logged-out",
    reconnectAttempts: facts.reconnectAttempts,
    circuit: facts.circuit,
    ...(state.phase === "waiting" ? { nextAttemptAt: state.until } : {}),
    ...why(view.parked, health),
    ...(health.lastRoundTripAt === undefined ? {} : { lastRoundTripAt: health.lastRoundTripAt }),
  };
}

/** One channel in `health` and `channels.status`. */
export type ChannelSummary = {
  readonly configured: boolean;
  readonly accountId?: string;
  readonly linked: boolean;
  readonly running: boolean;
  readonly connected: boolean;
  readonly lastProbeAt: number | null;
  readonly accounts: Readonly<Record<string, AccountStateSummary>>;
};

/** Every channel that is configured or loaded; configured ones first, in the order of the file. */
export interface ChannelsSnapshot {
  readonly order: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly channels: Readonly<Record<string, ChannelSummary>>;
  /** Of channels with at least one account. */
  readonly defaultAccounts: Readonly<Record<string, string>>;
}

function summarise(views: readonly AccountView[]): ChannelSummary {
  const states = views.map((view) => [view.configured.account, accountState(view)] as const);
  const [first] = views;
  return {
    configured: views.length > 0,
    ...(first === undefined ? {} : { accountId: first.configured.account }),
    linked: states.some(([, state]) => state.linked),
    running: states.some(([, state]) => state.running),
    connected: states.some(([, state]) => state.connected),
    lastProbeAt: first?.facts?.lastProbeAt ?? null,
    accounts: Object.fromEntries(states),
  };
}

/** The channel part of `health`, from memory alone. */
export function channelsSnapshot(
  accounts: Pick<Accounts, "channels" | "list">,
  registry: ChannelRegistry,
): ChannelsSnapshot {
  const order = [...new Set([...accounts.channels(), ...registry.list().map((port) => port.id)])];
  const views = new Map(order.map((id) => [id, accounts.list(id)]));
  const firstOf = (id: string) => views.get(id)?.[0]?.configured.account;
  return {
    order,
    labels: Object.fromEntries(order.map((id) => [id, registry.get(id)?.label ?? id])),
    channels: Object.fromEntries(order.map((id) => [id, summarise(views.get(id) ?? [])])),
    defaultAccounts: Object.fromEntries(
      order.flatMap((id) => (firstOf(id) === undefined ? [] : [[id, firstOf(id) ?? id]])),
    ),
  };
}

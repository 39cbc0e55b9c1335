import type { AccountSnapshot, ResultOf } from "openclaw-host-schemas";
import type { Clock } from "../base/clock.ts";
import type { AccountFacts } from "../channels/accounts/account-facts.ts";
import type { AccountView } from "../channels/accounts/accounts.ts";
import type { Channels } from "../channels/channels.ts";
import type { EchoGuard } from "../channels/policy/echo-guard.ts";
import { type StateCount, countsOf } from "../channels/ledger.ts";
import { type ChannelsSnapshot, accountState, channelsSnapshot } from "../channels/snapshot.ts";
import type { HandlersFor } from "./handler.ts";

export interface ChannelMethodParts {
  readonly channels: Pick<Channels, "accounts" | "registry" | "ledger">;
  readonly clock: Clock;
  readonly echo: Pick<EchoGuard, "silenced">;
}

/** Limits of `timeoutMs`, ms (wire protocol section 5.7). */
const PROBE_DEFAULT_MS = 10_000;
const PROBE_MIN_MS = 1_000;

/** `null` is how the protocol says "never" (wire protocol section 5.7). */
function historyOf(facts: AccountFacts | undefined) {
  const keys = [
    "lastConnectedAt",
    "lastError",
    "lastStartAt",
    "lastStopAt",
    "lastInboundAt",
    "lastOutboundAt",
  ] as const;
  return Object.fromEntries([...keys, "lastProbeAt" as const].map((key) => [key, facts?.[key] ?? null]));
}

function snapshotOf(
  { echo }: ChannelMethodParts,
  view: AccountView,
  known: { readonly counts: readonly StateCount[]; readonly probe: unknown },
): AccountSnapshot {
  const { configured, facts } = view;
  const { counts, probe } = known;
  const { channel, account, policy } = configured;
  const self = facts?.identity?.self;
  const silenced = echo.silenced({ channel, account });
  return {
    accountId: account,
    ...(self === undefined ? {} : { name: self.name ?? self.handle ?? self.id, selfId: self.id }),
    enabled: configured.enabled,
    configured: true,
    ...accountState(view),
    ...historyOf(facts),
    dmPolicy: policy.dmPolicy,
    allowFrom: [...policy.allowFrom],
    counts: countsOf(counts, { channel, account }),
    // Machines that only repeat themselves, and are not answered for now.
    ...(silenced.length === 0 ? {} : { echoLoops: [...silenced] }),
    ...(probe === undefined ? {} : { probe }),
  };
}

/** Asks the platform of one account; what fails is part of the answer and no error of the request. */
async function probeOf(parts: ChannelMethodParts, view: AccountView, timeoutMs: number): Promise<unknown> {
  const { configured } = view;
  if (!configured.enabled || parts.channels.registry.get(configured.channel) === undefined) return undefined;
  const startedAt = parts.clock.now();
  try {
    const { ok, self, detail, fix } = await parts.channels.accounts.probe(configured, timeoutMs);
    const elapsedMs = parts.clock.now() - startedAt;
    return { ok, elapsedMs, ...(self && { self }), ...(detail && { error: detail }), ...(fix && { fix }) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { ok: false, elapsedMs: parts.clock.now() - startedAt, error: text };
  }
}

async function status(parts: ChannelMethodParts, probeMs: number | undefined): Promise<ResultOf<"channels.status">> {
  const { accounts, registry, ledger } = parts.channels;
  const listed: ChannelsSnapshot = channelsSnapshot(accounts, registry);
  const views = accounts.list();
  const probes = await Promise.all(
    views.map(async (view) => (probeMs === undefined ? undefined : probeOf(parts, view, probeMs))),
  );
  const counts = await ledger.counts();
  const rows = accounts.list().map((view, index) => ({
    channel: view.configured.channel,
    snapshot: snapshotOf(parts, view, { counts, probe: probes[index] }),
  }));
  const ofChannel = (id: string) => rows.filter((row) => row.channel === id).map((row) => row.snapshot);
  return {
    ts: parts.clock.now(),
    channelOrder: [...listed.order],
    channelLabels: { ...listed.labels },
    channelDetailLabels: { ...listed.labels },
    // Names of the symbols of one platform's own clients; no channel declares one.
    channelSystemImages: {},
    channelMeta: listed.order.map((id) => ({
      id,
      label: listed.labels[id] ?? id,
      detailLabel: listed.labels[id] ?? id,
    })),
    channels: { ...listed.channels },
    channelAccounts: Object.fromEntries(listed.order.map((id) => [id, ofChannel(id)])),
    channelDefaultAccountId: { ...listed.defaultAccounts },
  };
}

/** `channels.status`: every channel that is configured or loaded, and its accounts as they are. */
export function channelMethods(parts: ChannelMethodParts): HandlersFor<"channels.status"> {
  return {
    "channels.status": ({ probe, timeoutMs }) =>
      status(parts, probe === true ? Math.max(PROBE_MIN_MS, timeoutMs ?? PROBE_DEFAULT_MS) : undefined),
  };
}

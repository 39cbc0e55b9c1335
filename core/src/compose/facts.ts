import { hostname, networkInterfaces, release } from "node:os";
import type { PresenceEntry } from "openclaw-host-schemas";
import type { HealthFacts } from "../automation/health.ts";
import type { Runtimes } from "../agent/runtimes.ts";
import type { Problem, Problems } from "../base/problems.ts";
import { outages } from "../channels/accounts/readiness.ts";
import type { Channels } from "../channels/channels.ts";
import { channelsSnapshot } from "../channels/snapshot.ts";
import { agentOf } from "../sessions/key.ts";
import type { SessionEntry, Sessions } from "../sessions/sessions.ts";
import type { AgentDirectory } from "./agents.ts";

/** No heartbeat runs yet; the period is that of the field's default, s. Source: wire protocol section 3. */
const HEARTBEAT_SECONDS = 0;

export interface FactParts {
  readonly channels: Channels;
  readonly sessions: Sessions;
  readonly directory: AgentDirectory;
  readonly problems: Pick<Problems, "list">;
  readonly runtimes: Pick<Runtimes, "absentMs">;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * Everything that keeps the gateway from its work, accounts that are out of service and agents without a runtime included:
 * `/readyz` says the same.
 */
export function troubles(parts: Omit<FactParts, "sessions">): Problem[] {
  const { channels, now, problems } = parts;
  return [...problems.list(), ...outages(channels.accounts.list(), now()), ...absentRuntimes(parts)];
}

/** How long the runtime of an agent may take to load, ms: as long as an account may be out of service. */
const RUNTIME_PATIENCE_MS = 30_000;

function absentRuntimes({ directory, runtimes, now }: Pick<FactParts, "directory" | "runtimes" | "now">): Problem[] {
  return directory.agents().profiles.flatMap(({ id }) => {
    const absentMs = runtimes.absentMs(id) ?? 0;
    if (absentMs < RUNTIME_PATIENCE_MS) return [];
    const reason = `agent "${id}" has no runtime: "${directory.runtimeOf(id)}" is not loaded; see openclaw extension list`;
    return [{ part: `agent/${id}`, reason, since: now() - absentMs }];
  });
}

/** What `health` says, from memory alone (wire protocol section 3, HealthSnapshot). */
export function healthFacts(parts: FactParts): HealthFacts {
  const { channels, sessions, directory } = parts;
  const listed = channelsSnapshot(channels.accounts, channels.registry);
  const counts = countByAgent(sessions.list());
  const { defaultId, profiles } = directory.agents();
  const problems = troubles(parts);
  return {
    ...(problems.length === 0 ? {} : { problems }),
    channels: { ...listed.channels },
    channelOrder: [...listed.order],
    channelLabels: { ...listed.labels },
    heartbeatSeconds: HEARTBEAT_SECONDS,
    defaultAgentId: defaultId,
    agents: profiles.map(({ id, name }) => ({
      agentId: id,
      ...(name === undefined ? {} : { name }),
      isDefault: id === defaultId,
      heartbeat: { enabled: false, every: "0m", everyMs: 0, prompt: "", target: "none", ackMaxChars: 0 },
      sessions: summary(counts.get(id) ?? 0),
    })),
    sessions: summary([...counts.values()].reduce((all, count) => all + count, 0)),
  };
}

function countByAgent(entries: readonly SessionEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of entries) counts.set(agentOf(key), (counts.get(agentOf(key)) ?? 0) + 1);
  return counts;
}

/** Nodes and operators without scopes hear it, too: who talks, and where that is kept, is in `sessions.list` and `status`. */
const summary = (count: number) => ({ path: "[redacted]", count, recent: [] });

/** What people call the kinds of host; every other one that Node runs on is a Unix like Linux. */
const FAMILIES: Readonly<Record<string, string>> = { darwin: "Mac", win32: "Windows" };

/** The gateway's own presence entry (wire protocol section 3). */
export function ownPresence(version: string): Omit<PresenceEntry, "ts"> {
  const host = hostname();
  const ip = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => address.family === "IPv4" && !address.internal)?.address;
  const where = ip === undefined ? host : `${host} (${ip})`;
  return {
    host,
    ...(ip === undefined ? {} : { ip }),
    version,
    platform: `${process.platform} ${release()}`,
    deviceFamily: FAMILIES[process.platform] ?? "Linux",
    modelIdentifier: process.arch,
    mode: "gateway",
    reason: "self",
    text: `Gateway: ${where} · app ${version} · mode gateway · reason self`,
  };
}

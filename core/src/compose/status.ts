import type { ResultOf } from "openclaw-host-schemas";
import { channelsSnapshot } from "../channels/snapshot.ts";
import { modelChoice } from "../sessions/agents.ts";
import { agentOf } from "../sessions/key.ts";
import type { SessionEntry } from "../sessions/sessions.ts";
import type { FactParts } from "./facts.ts";
import type { TlsSource } from "./tls.ts";

type Status = Omit<ResultOf<"status">, "queuedSystemEvents">;
type StatusRow = Status["sessions"]["recent"][number];

/** Sessions shown, newest first; the rest is in `sessions.list`. */
const RECENT = 10;

export interface StatusParts extends FactParts {
  readonly version: string;
  /** Path of the file. */
  readonly database: string;
  /** The certificate that is shown now; absent when the port is not encrypted. */
  readonly tls: Pick<TlsSource, "current"> | undefined;
}

/** What `status` says, from memory alone (wire protocol 5.2). */
export function statusOf(parts: StatusParts): Status {
  const { sessions, directory, database } = parts;
  const entries = sessions.list().toSorted((a, b) => b.updatedAt - a.updatedAt);
  const { defaultId, profiles } = directory.agents();
  const rows = (of: readonly SessionEntry[]) => of.slice(0, RECENT).map((entry) => rowOf(parts, entry));
  const { model } = modelChoice(directory.settings(defaultId).model);
  return {
    runtimeVersion: parts.version,
    ...tlsOf(parts),
    heartbeat: {
      defaultAgentId: defaultId,
      agents: profiles.map(({ id }) => ({ agentId: id, enabled: false, every: "0m", everyMs: 0 })),
    },
    channelSummary: channelLines(parts),
    sessions: {
      paths: [database],
      count: entries.length,
      defaults: { model, contextTokens: null },
      recent: rows(entries),
      byAgent: profiles.map(({ id }) => {
        const own = entries.filter((entry) => agentOf(entry.key) === id);
        return { agentId: id, path: database, count: own.length, recent: rows(own) };
      }),
    },
  };
}

function tlsOf({ tls }: StatusParts): Pick<Status, "tls"> {
  if (tls === undefined) return {};
  const { fingerprint, validTo } = tls.current;
  return { tls: { fingerprint, validToMs: validTo } };
}

function rowOf({ directory, now }: FactParts, entry: SessionEntry): StatusRow {
  const agentId = agentOf(entry.key);
  return {
    agentId,
    key: entry.key,
    kind: entry.kind,
    sessionId: entry.sessionId,
    updatedAt: entry.updatedAt,
    age: Math.max(0, now() - entry.updatedAt),
    remainingTokens: null,
    percentUsed: null,
    model: modelChoice(directory.settings(agentId).model).model,
    contextTokens: null,
    flags: [],
  };
}

/** `Telegram (default): ready`, one line an account. */
function channelLines({ channels }: FactParts): string[] {
  const listed = channelsSnapshot(channels.accounts, channels.registry);
  return listed.order.flatMap((id) =>
    Object.entries(listed.channels[id]?.accounts ?? {}).map(([account, { state, reason }]) => {
      const why = reason === undefined ? "" : `: ${reason}`;
      return `${listed.labels[id] ?? id} (${account}): ${state}${why}`;
    }),
  );
}

import type { ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { SessionEntry } from "../store/tables/session-entry.ts";
import { type Agents, modelChoice, profileOf } from "./agents.ts";
import { agentOf } from "./key.ts";

export type ListParams = ParamsOf<"sessions.list">;
export type SessionRow = ResultOf<"sessions.list">["sessions"][number];

/** What narrows a set of sessions; an absent field does not. */
export interface SessionFilter {
  readonly label?: string;
  readonly spawnedBy?: string;
  readonly agentId?: string;
  /** Part of the key, label, name, subject or session id, in any case. */
  readonly search?: string;
  /** `global` and `unknown` are left out unless asked for. */
  readonly includeGlobal?: boolean;
  readonly includeUnknown?: boolean;
}

const MINUTE_MS = 60_000;

type Test = (entry: SessionEntry) => boolean;

/** The filter as a predicate. Source: wire protocol section 5.4, sessions.list. */
export function sessionFilter(filter: SessionFilter): Test {
  const { label, spawnedBy } = filter;
  const agentId = filter.agentId?.trim().toLowerCase();
  const words = filter.search?.trim().toLowerCase() ?? "";
  const tests: Test[] = [
    (entry) => entry.kind !== "global" || filter.includeGlobal === true,
    (entry) => entry.kind !== "unknown" || filter.includeUnknown === true,
  ];
  if (label !== undefined) tests.push((entry) => entry.label === label);
  if (spawnedBy !== undefined) tests.push((entry) => entry.spawnedBy === spawnedBy);
  if (agentId !== undefined) tests.push((entry) => agentOf(entry.key) === agentId);
  if (words !== "") tests.push((entry) => searched(entry).some((text) => text?.toLowerCase().includes(words)));
  return (entry) => tests.every((test) => test(entry));
}

const searched = (entry: SessionEntry): (string | undefined)[] => [
  entry.key,
  entry.label,
  entry.displayName,
  entry.subject,
  entry.sessionId,
];

/** The rows that `sessions.list` answers, newest first. */
export function listRows(
  entries: readonly SessionEntry[],
  params: ListParams,
  facts: { agents: Agents; now: number },
): SessionRow[] {
  const since = params.activeMinutes === undefined ? 0 : facts.now - params.activeMinutes * MINUTE_MS;
  const passes = sessionFilter(params);
  return entries
    .filter((entry) => entry.updatedAt >= since && passes(entry))
    .sort((a, b) => b.updatedAt - a.updatedAt || b.rev - a.rev)
    .slice(0, params.limit)
    .map((entry) => toRow(entry, params, facts.agents));
}

function toRow(entry: SessionEntry, params: ListParams, agents: Agents): SessionRow {
  const { rev: _rev, title, lastMessage, model: chosen, ...shown } = entry;
  const profile = profileOf(agents, agentOf(entry.key));
  const { modelProvider, model } = modelChoice(chosen ?? profile?.model);
  const contextTokens = entry.contextTokens ?? profile?.contextTokens;
  return {
    ...shown,
    totalTokensFresh: entry.totalTokens !== undefined,
    ...(modelProvider === null ? {} : { modelProvider }),
    ...(model === null ? {} : { model }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(params.includeDerivedTitles === true && title !== undefined ? { derivedTitle: title } : {}),
    ...(params.includeLastMessage === true && lastMessage !== undefined ? { lastMessagePreview: lastMessage } : {}),
  };
}

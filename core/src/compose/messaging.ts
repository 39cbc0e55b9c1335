import { echoRuntime } from "../agent/echo.ts";
import { type Lanes, createLanes } from "../agent/lanes.ts";
import { type Runtimes, createRuntimes } from "../agent/runtimes.ts";
import type { SessionKey } from "../base/brand.ts";
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Problems } from "../base/problems.ts";
import { type Channels, openChannels } from "../channels/channels.ts";
import { type EchoGuard, createEchoGuard } from "../channels/policy/echo-guard.ts";
import type { AccountName } from "../channels/inbox/inbox.ts";
import type { ChannelConfigs } from "../channels/accounts/accounts-parts.ts";
import { type Pairing, openPairing } from "../channels/policy/pairing.ts";
import { type Turns, createTurns } from "../channels/turn/turn.ts";
import { type SessionChanges, createSessionChanges } from "../sessions/changes.ts";
import type { AgentDirectory } from "./agents.ts";
import type { Storage } from "./storage.ts";

/** The way of a message: channels, turns, agents. */
export interface Messaging {
  readonly channels: Channels;
  readonly turns: Turns;
  readonly pairing: Pairing;
  readonly echo: EchoGuard;
  readonly runtimes: Runtimes;
  readonly changes: SessionChanges;
}

export interface MessagingParts {
  readonly storage: Storage;
  readonly directory: AgentDirectory;
  readonly configs: ChannelConfigs;
  readonly maxConcurrent: number;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly problems: Problems;
  /** An agent ignored an abort: its guest should be recycled. */
  readonly onStuck: (runtime: string, runId: string) => void;
  /** Something that `channels.status` shows has changed. */
  readonly onChange: () => void;
}

export async function openMessaging(parts: MessagingParts): Promise<Messaging> {
  const { storage, directory, clock, ids, log, sink } = parts;
  const { store, sessions } = storage;
  const lanes = createLanes({ maxConcurrent: parts.maxConcurrent });
  const runtimes = createRuntimes({ runtimeOf: directory.runtimeOf, clock });
  runtimes.register(echoRuntime);
  const changes = createSessionChanges({ store, sessions, runs: lanes, clock, ids });
  // Turns need the channels and so come after them; what is recorded before is found by their recovery.
  let wake = (): void => {};
  const channels = await openChannels({
    store,
    clock,
    ids,
    log: log.child("channels"),
    problems: parts.problems,
    configs: parts.configs,
    sink,
    debounceMs: directory.debounceMs,
    onRecorded: () => wake(),
    onChange: parts.onChange,
  });
  const { plan, outbox } = channels;
  const pairing = await openPairing({ store, clock, ids, log: log.child("pairing"), sink, plan, outbox });
  const echo = createEchoGuard(clock);
  const turns = createTurns({
    ...turnParts(parts, { lanes, runtimes, channels, changes }),
    pairing,
    echo,
    sink,
    log: log.child("turns"),
  });
  wake = () => turns.wake();
  return { channels, turns, pairing, echo, runtimes, changes };
}

interface Built {
  readonly lanes: Lanes;
  readonly runtimes: Runtimes;
  readonly channels: Channels;
  readonly changes: SessionChanges;
}

function turnParts(parts: MessagingParts, { lanes, runtimes, channels, changes }: Built) {
  const { storage, directory, clock, ids, onStuck } = parts;
  return {
    clock,
    ids,
    store: storage.store,
    sessions: storage.sessions,
    lanes,
    runtimes,
    settings: directory.settings,
    plan: channels.plan,
    outbox: channels.outbox,
    inbox: channels.inbox,
    resetSession: (key: SessionKey) => changes.reset(key),
    onStuck,
    rules: (name: AccountName) => channels.accounts.rules(name, directory.routing()),
    isOurs: (channel: string, senderId: string) =>
      channels.accounts.list(channel).some(({ facts }) => facts?.identity?.self.id === senderId),
    fetchMedia: channels.accounts.fetchMedia.bind(channels.accounts),
    typing: channels.accounts.typing.bind(channels.accounts),
  };
}

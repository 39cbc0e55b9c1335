import type { Clock, Undo } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Problems } from "../base/problems.ts";
import type { ChannelPort } from "../host/channel-port.ts";
import type { Store } from "../store/db.ts";
import type { ChannelConfigs } from "./accounts/accounts-parts.ts";
import { type Accounts, createAccounts } from "./accounts/accounts.ts";
import { announce } from "./outbox/delivery-news.ts";
import { type GuestCalls, createGuestCalls } from "./guest-call.ts";
import { type Inbox, openInbox } from "./inbox/inbox.ts";
import { type KeptMessages, createKeptMessages } from "./inbox/kept-messages.ts";
import { type Ledger, createLedger } from "./ledger.ts";
import { type Outbox, openOutbox } from "./outbox/outbox.ts";
import { type Plan, createPlan } from "./outbox/outbound.ts";
import { type ChannelRegistry, createChannelRegistry } from "./registry.ts";
import type { DeliveryTarget } from "./policy/route.ts";
import { type RawTarget, parseTarget } from "./target.ts";

export interface ChannelsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly problems?: Problems;
  readonly configs: ChannelConfigs;
  readonly sink: EventSink;
  /** `session.debounceMs`. Default 0. */
  readonly debounceMs?: number;
  /** Called, never awaited, when a message may be ready for a turn. */
  readonly onRecorded: () => void;
  /** Called, never awaited, when something `channels.status` shows has changed. */
  readonly onChange?: () => void;
}

/** Everything between platforms and turns. */
export interface Channels {
  readonly registry: ChannelRegistry;
  readonly accounts: Accounts;
  readonly inbox: Inbox;
  readonly kept: KeptMessages;
  readonly outbox: Outbox;
  readonly ledger: Ledger;
  readonly plan: Plan;
  readonly calls: GuestCalls;
  /** Reads a destination as a client writes it. Throws `WireError` when it means nothing. */
  parseTarget(raw: RawTarget): Promise<DeliveryTarget>;
  /** Registers a channel and connects its accounts; the undo disconnects them. Throws on a colliding id. */
  register(port: ChannelPort): Undo;
  /** Disconnects every account, each within `drainMs` (default 3 s), and sends nothing more; sends in flight have 1 s. */
  close(drainMs?: number): Promise<void>;
}

type Doors = Pick<Channels, "registry" | "accounts" | "inbox" | "outbox" | "calls">;

async function openDoors(parts: ChannelsParts): Promise<Doors> {
  const { store, clock, ids, log, configs, onRecorded } = parts;
  const calls = createGuestCalls({ clock, ids });
  const registry = createChannelRegistry();
  const inbox = await openInbox({
    ...(parts.problems && { problems: parts.problems }),
    store,
    clock,
    log,
    onRecorded,
    ...(parts.debounceMs === undefined ? {} : { debounceMs: parts.debounceMs }),
    accounts: () => accounts.reachable(),
  });
  const outbox = await openOutbox({
    store,
    clock,
    ids,
    log,
    calls,
    rules: (name) => accounts.find(name)?.configured,
    onSettled: (name, news) => {
      if (news.settlement.state === "sent") accounts.noteSent(name);
      announce(parts, name, news);
    },
    ...(parts.onChange === undefined ? {} : { onParked: parts.onChange }),
  });
  const accounts: Accounts = createAccounts({
    store,
    clock,
    ids,
    log,
    calls,
    inbox,
    registry,
    configs,
    parked: (name) => outbox.parked(name),
    onLink(name, link) {
      const detach = outbox.attach(name, link.connection, link.capabilities);
      inbox.wake();
      return detach;
    },
    ...(parts.onChange === undefined ? {} : { onChange: parts.onChange }),
  });
  return { registry, accounts, inbox, outbox, calls };
}

/** Builds the channel domain over an open store. Nothing connects before a channel is registered. */
export async function openChannels(parts: ChannelsParts): Promise<Channels> {
  const { store, clock, log } = parts;
  const doors = await openDoors(parts);
  const { registry, accounts, inbox, outbox, calls } = doors;
  const plan = createPlan({
    clock,
    log,
    calls,
    port: (id) => registry.require(id),
    capabilities: (name) => accounts.capabilities(name),
  });
  return {
    ...doors,
    kept: createKeptMessages({ store, clock, wake: () => inbox.wake() }),
    ledger: createLedger(store),
    plan,
    parseTarget: (raw) => parseTarget({ registry, accounts, calls }, raw),
    register(port) {
      const unregister = registry.register(port);
      const disconnect = accounts.serve(port);
      return () => {
        unregister();
        void disconnect().catch((error: unknown) =>
          log.error("accounts did not end", { channel: port.id, error: String(error) }),
        );
      };
    },
    async close(drainMs) {
      inbox.close();
      // Side by side: what hangs in a send hangs in the drain as well, and need not be waited for twice.
      await Promise.all([accounts.close(drainMs), outbox.close()]);
    },
  };
}

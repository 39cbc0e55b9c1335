import type { Call, Capabilities, Closed, MediaRef, Outbound, Part, ProbeResult, Receipt } from "openclaw-host-sdk";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import type { AccountDoors, AccountSpec, ChannelConnection, ChannelPort } from "../host/channel-port.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { type Channels, openChannels } from "./channels.ts";

/** What a connection was asked to send. */
export interface SentPart {
  readonly account: string;
  readonly outbound: Outbound;
  readonly part: Part;
  readonly key: string;
  readonly attempt: number;
}

/** A live connection as the test sees it: the platform's side. */
export interface TestLink {
  readonly spec: AccountSpec;
  readonly doors: AccountDoors;
  close(closed: Closed): void;
  drained: boolean;
}

/** What the platform does; every entry may be replaced while the test runs. */
export interface Behaviour {
  probe: (spec: AccountSpec, call: Call) => Promise<ProbeResult>;
  connect: (spec: AccountSpec, call: Call) => Promise<void>;
  send: (sent: SentPart, call: Call) => Promise<Receipt>;
  reconcile?: (key: string) => Promise<Receipt | "absent" | "unknown">;
  fetchMedia?: (pending: string) => Promise<MediaRef>;
  drain: (call: Call) => Promise<void>;
}

export interface TestPort extends ChannelPort {
  readonly behaviour: Behaviour;
  /** Every send that reached the platform, in order. */
  readonly sent: SentPart[];
  /** Every connection there was, newest last. */
  readonly links: TestLink[];
  readonly typed: boolean[];
}

export const CAPABILITIES: Capabilities = {
  peers: ["dm", "group"],
  typing: true,
  media: { in: ["image"], out: ["image"], maxBytes: 1_000 },
  text: { limit: 20, captionLimit: 10, unit: "utf16", markdown: false },
  delivery: { idempotent: "none", redeliveryWindowMs: 1_000 },
};

/** A platform on which everything works. */
function goodBehaviour(): Behaviour {
  let messages = 0;
  return {
    probe: async (spec) => ({ ok: true, self: { id: `self-${spec.account}`, handle: spec.account } }),
    connect: async () => {},
    send: async ({ outbound }) => ({ ids: [`sent-${(messages += 1)}`], at: 1, peer: outbound.to }),
    drain: async () => {},
  };
}

/** A channel in this process: the other side of the port. */
export function createTestPort(id = "test"): TestPort {
  const sent: SentPart[] = [];
  const links: TestLink[] = [];
  const typed: boolean[] = [];
  const behaviour = goodBehaviour();
  const connectionOf = (spec: AccountSpec, doors: AccountDoors): ChannelConnection => {
    const { promise: closed, resolve } = Promise.withResolvers<Closed>();
    const link: TestLink = { spec, doors, close: resolve, drained: false };
    links.push(link);
    const { reconcile, fetchMedia } = behaviour;
    return {
      closed,
      send: (outbound, meta, call) => {
        const part: SentPart = { account: spec.account, outbound, ...meta };
        sent.push(part);
        return behaviour.send(part, call);
      },
      ...(reconcile === undefined
        ? {}
        : { reconcile: (_outbound: Outbound, meta: { key: string }) => reconcile(meta.key) }),
      ...(fetchMedia === undefined ? {} : { fetchMedia }),
      typing: async (_to, on) => void typed.push(on),
      drain: async (call) => {
        await behaviour.drain(call);
        link.drained = true;
      },
    };
  };
  return {
    id,
    label: "Test",
    extension: `extension-${id}`,
    schema: { config: {}, account: {} },
    behaviour,
    sent,
    links,
    typed,
    capabilities: async () => CAPABILITIES,
    probe: (spec, call) => behaviour.probe(spec, call),
    async connect(spec, doors, call) {
      await behaviour.connect(spec, call);
      return connectionOf(spec, doors);
    },
  };
}

export interface TestChannels extends Channels {
  readonly store: TestStore;
  readonly clock: FakeClock;
  /** How often a message may have become ready. */
  readonly recorded: () => number;
  /** Events for operators, in order. */
  readonly published: readonly (readonly [event: string, payload: unknown])[];
  /** Waits in real time until the condition holds; the fake clock stands still. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Moves the fake clock in steps of `stepMs` until the condition holds. */
  advanceUntil(condition: () => boolean | Promise<boolean>, stepMs: number): Promise<void>;
  /** Closes everything and removes the folder. */
  dispose(): Promise<void>;
}

const PATIENCE_MS = 10_000;
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

async function until(condition: () => boolean | Promise<boolean>, step: () => Promise<void> = turn): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error("the condition never held");
    await step();
  }
}

/** The whole channel domain over a real store in a folder of its own. */
export async function openTestChannels(
  section: Record<string, unknown>,
  existing?: { store: TestStore; clock: FakeClock },
): Promise<TestChannels> {
  const { store, clock } = existing ?? { store: await openTestStore(), clock: createFakeClock() };
  let recorded = 0;
  const published: [event: string, payload: unknown][] = [];
  const channels = await openChannels({
    store,
    clock,
    ids: { ...systemIds, fraction: () => 0 },
    log: silentLog,
    sink: { publish: (event, payload) => void published.push([event, payload]) },
    configs: { section: () => section, resolve: async (_schema, config) => config },
    onRecorded: () => {
      recorded += 1;
    },
  });
  const advanceUntil: TestChannels["advanceUntil"] = (condition, stepMs) =>
    until(condition, async () => {
      await clock.advance(stepMs);
      await turn();
    });
  return {
    ...channels,
    store,
    clock,
    recorded: () => recorded,
    published,
    until,
    advanceUntil,
    async dispose() {
      let closed = false;
      // Deadlines of hanging calls are on the fake clock.
      const closing = channels.close().finally(() => (closed = true));
      await advanceUntil(() => closed, 500);
      await closing;
      await store.dispose();
    },
  };
}

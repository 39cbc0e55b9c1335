import type { AgentEvent, Capabilities } from "openclaw-host-sdk";
import type { AgentRuntime } from "../../agent/runtime.ts";
import { createRuntimes } from "../../agent/runtimes.ts";
import type { Undo } from "../../base/clock.ts";
import { type FakeClock, createFakeClock } from "../../base/fake-clock.ts";
import { systemIds } from "../../base/ids.ts";
import type { ChannelConnection, ChannelPort } from "../../host/channel-port.ts";
import { openSessions } from "../../sessions/sessions.ts";
import { type Store, openStore } from "../../store/db.ts";
import { makeTestDir, silentLog } from "../../store/test-store.ts";
import { createGuestCalls } from "../guest-call.ts";
import { openInbox } from "../inbox/inbox.ts";
import { plainSurroundings } from "../test-turns.ts";
import { type Turns, createTurns } from "../turn/turn.ts";
import { type Connector, type DraftPlatform, createPlatform } from "./draft-platform.ts";
import { createWriter } from "./draft-writer.ts";
import { type OutboundParts, createPlan } from "./outbound.ts";
import { type Outbox, openOutbox } from "./outbox.ts";

interface House {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly turns: Turns;
}

export interface DraftOptions {
  readonly streaming?: boolean;
  readonly stream?: "edit" | "native" | "none";
  readonly reconcile?: boolean;
  readonly sendsPerSecond?: number;
  readonly peer?: "dm" | "group";
}

export interface DraftHouse extends House {
  readonly clock: FakeClock;
  readonly platform: DraftPlatform;
  /** Of the database. */
  readonly path: string;
  /** A person writes. */
  hear(text: string): Promise<void>;
  /** The agent of the turn that began last says so. */
  write(...deltas: readonly string[]): Promise<void>;
  emit(event: AgentEvent): Promise<void>;
  end(): Promise<void>;
  connect(): void;
  disconnect(): void;
  /** Begun turns so far. */
  turnsBegun(): number;
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Time passes in steps until the condition holds. */
  pass(condition: () => boolean | Promise<boolean>, stepMs?: number): Promise<void>;
  /** The process dies and another one starts; it is connected unless told otherwise. */
  kill(options?: { readonly connect?: boolean }): Promise<void>;
  /** As a stop does it. */
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

const ACCOUNT = { channel: "tele", account: "default" } as const;
const PATIENCE_MS = 10_000;
/** Of one message, in characters. */
export const LIMIT = 80;

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

async function until(condition: () => boolean | Promise<boolean>, step: () => Promise<void> = tick): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error("the condition never held");
    await step();
  }
}

const capabilitiesOf = ({ stream = "edit" }: DraftOptions): Capabilities => ({
  peers: ["dm", "group"],
  text: { limit: LIMIT, unit: "utf16", markdown: false },
  media: { in: [], out: ["image"], maxBytes: 1_000 },
  delivery: { idempotent: "none", redeliveryWindowMs: 1_000 },
  ...(stream === "none" ? {} : { stream }),
});

interface Life extends House {
  readonly inbox: Awaited<ReturnType<typeof openInbox>>;
  readonly clock: FakeClock;
  alive: boolean;
}

/** Inbox, turns and outbox over a real database. */
async function openLife(
  options: DraftOptions,
  runtime: AgentRuntime,
  at: { path: string; now: number },
): Promise<Life> {
  const { path, now } = at;
  const clock = createFakeClock(now);
  const ids = { ...systemIds, fraction: () => 0 };
  const log = silentLog;
  const store = await openStore({ path, log, onFatal: () => undefined });
  const sessions = await openSessions({ store, ids });
  const runtimes = createRuntimes({ runtimeOf: () => runtime.id, clock });
  runtimes.register(runtime);
  const calls = createGuestCalls({ clock, ids });
  const rules = {
    onUnknown: "park",
    sendsPerSecond: options.sendsPerSecond ?? 30,
    streaming: options.streaming ?? true,
  } as const;
  const outbox = await openOutbox({ store, clock, ids, log, calls, rules: () => rules });
  let wake = (): void => {};
  const inbox = await openInbox({ store, clock, log, onRecorded: () => wake() });
  const port: Pick<ChannelPort, "id" | "label"> = { id: "tele", label: "Tele" };
  const plan = createPlan({
    clock,
    log,
    calls,
    port: () => port as ReturnType<OutboundParts["port"]>,
    capabilities: async () => capabilitiesOf(options),
  });
  const turns = createTurns({
    ...plainSurroundings(clock, "tele"),
    clock,
    ids,
    log,
    store,
    sessions,
    runtimes,
    inbox,
    outbox,
    plan,
  });
  wake = () => turns.wake();
  await turns.recover();
  return { store, outbox, turns, inbox, clock, alive: true };
}

/** A process that is dead calls nobody and hears nothing. */
function connectionOf(life: Life, platform: Connector, options: DraftOptions): ChannelConnection {
  const living =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (!life.alive) return new Promise<R>(() => {});
      const result = await work(...args);
      return life.alive ? result : new Promise<R>(() => {});
    };
  const openStream: NonNullable<ChannelConnection["openStream"]> = async (to, opening, call) => {
    const stream = await living(platform.openStream)(to, opening, call);
    return {
      ids: stream.ids,
      push: living((text, pushing) => stream.push(text, pushing)),
      finish: living((body, part, finishing) => stream.finish(body, part, finishing)),
      abort: living((aborting) => stream.abort(aborting)),
    };
  };
  return {
    closed: new Promise(() => {}),
    drain: async () => {},
    send: living(platform.send),
    ...(options.stream === "none" ? {} : { openStream }),
    ...(options.reconcile === true ? { reconcile: living(platform.reconcile) } : {}),
  };
}

const settles = (work: Promise<unknown>): (() => Promise<boolean>) => {
  const done = work.then(() => true);
  return () => Promise.race([done, tick().then(() => false)]);
};

/** A gateway from the person to the platform, with time, agent and faults in the test's hands. */
// oxlint-disable-next-line max-lines-per-function -- one fixture: its parts share what they build on
export async function openDraftHouse(options: DraftOptions = {}): Promise<DraftHouse> {
  const dir = makeTestDir();
  const path = `${dir.path}/host.db`;
  const platform = createPlatform();
  const writer = createWriter();
  let life = await openLife(options, writer.runtime, { path, now: 1_700_000_000_000 });
  let detach: Undo | undefined;
  let said = 0;
  const connect = () => {
    detach = life.outbox.attach(ACCOUNT, connectionOf(life, platform.handle, options), capabilitiesOf(options));
  };
  const disconnect = () => detach?.();
  const reopen = async () => {
    life = await openLife(options, writer.runtime, { path, now: life.clock.now() + 1_000 });
  };
  connect();
  const emit = async (event: AgentEvent) => {
    writer.emit(event);
    await tick();
    await life.clock.advance(0);
  };
  const house: DraftHouse = {
    get store() {
      return life.store;
    },
    get outbox() {
      return life.outbox;
    },
    get turns() {
      return life.turns;
    },
    get clock() {
      return life.clock;
    },
    platform,
    path,
    async hear(text) {
      const before = writer.count();
      said += 1;
      const from = { id: "42", name: "Ada" };
      const peer = { kind: options.peer ?? "dm", id: "42" } as const;
      const event = { eventId: `e${said}`, messageId: `m${said}`, at: 1, peer, from, type: "message" } as const;
      await life.inbox.receive({ ...ACCOUNT, lease: "bot" }, [{ ...event, body: { text } }], {});
      await until(() => writer.count() > before);
    },
    async write(...deltas) {
      for (const delta of deltas) await emit({ t: "text", delta });
    },
    emit,
    end: () => emit({ t: "done", reason: "end" }),
    connect,
    disconnect,
    turnsBegun: () => writer.count(),
    until,
    pass: (condition, stepMs = 100) =>
      until(condition, async () => {
        await life.clock.advance(stepMs);
        await tick();
      }),
    async kill({ connect: connects = true } = {}) {
      life.alive = false;
      life.inbox.close();
      await life.store.close();
      await reopen();
      if (connects) connect();
    },
    async restart() {
      await house.pass(settles(life.turns.close(0)));
      disconnect();
      await house.pass(settles(life.outbox.close()));
      life.alive = false;
      life.inbox.close();
      await life.store.close();
      await reopen();
      connect();
    },
    async dispose() {
      life.alive = false;
      life.inbox.close();
      await life.store.close();
      dir.remove();
    },
  };
  return house;
}

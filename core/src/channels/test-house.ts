import type { AgentEvent, Body, Inbound, MediaRef, PendingMedia } from "openclaw-host-sdk";
import { afterEach } from "vitest";
import { type Lanes, createLanes } from "../agent/lanes.ts";
import { echoRuntime } from "../agent/echo.ts";
import type { AgentRuntime } from "../agent/runtime.ts";
import { createRuntimes } from "../agent/runtimes.ts";
import { type SessionKey, sessionKey } from "../base/brand.ts";
import { createFakeClock } from "../base/fake-clock.ts";
import { invalidRequest } from "../base/wire-error.ts";
import { systemIds } from "../base/ids.ts";
import type { EventSink } from "../base/event-sink.ts";
import { type Sessions, openSessions } from "../sessions/sessions.ts";
import { type Store, openStore } from "../store/db.ts";
import { makeTestDir, silentLog, type TestDir } from "../store/test-store.ts";
import { createEchoGuard } from "./policy/echo-guard.ts";
import { type Inbox, type InboxScope, openInbox } from "./inbox/inbox.ts";
import { parsePolicy } from "./policy/policy.ts";
import { type DeliveryTarget, laneKey } from "./policy/route.ts";
import { type Turns, createTurns } from "./turn/turn.ts";
import type { DoorRequest } from "./turn/turn-request.ts";

let clock = createFakeClock();
export const main: SessionKey = sessionKey("agent:main:main");
export const scope: InboxScope = { channel: "tele", account: "default", lease: "bot-1" };

interface Steered {
  readonly runtime: AgentRuntime;
  readonly begun: { id: string; texts: string[] }[];
  readonly end: (id: string) => void;
}

/** A runtime whose turns end when the test says so. */
export function steered(): Steered {
  const begun: { id: string; texts: string[] }[] = [];
  const enders = new Map<string, (event: AgentEvent) => void>();
  const runtime: AgentRuntime = {
    id: "steered",
    async *turn({ turnId, messages }, call) {
      begun.push({
        id: turnId,
        texts: messages.map((message) => `${message.role}:${JSON.stringify(message.content)}`),
      });
      yield { t: "text", delta: "working" };
      yield await new Promise<AgentEvent>((resolve) => {
        enders.set(turnId, resolve);
        if (call.signal.aborted) resolve({ t: "done", reason: "abort" });
        call.signal.addEventListener("abort", () => resolve({ t: "done", reason: "abort" }), { once: true });
      });
    },
  };
  return { runtime, begun, end: (id: string) => enders.get(id)?.({ t: "done", reason: "end" }) };
}

export interface HouseOptions {
  readonly runtime?: AgentRuntime;
  readonly plan?: (target: DeliveryTarget, body: Body) => Promise<void>;
  readonly fetchMedia?: (pending: PendingMedia) => Promise<MediaRef>;
  readonly config?: Record<string, unknown>;
  /** True leaves the runtime out until `load` is called. */
  readonly unloaded?: boolean;
}

/** What a house published. */
interface News {
  readonly event: string;
  readonly payload: Record<string, unknown>;
}

export interface House {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly inbox: Inbox;
  readonly turns: Turns;
  readonly lanes: Lanes;
  readonly events: readonly News[];
  readonly typing: readonly boolean[];
  /** Lets the runtime be there, if it was left out. */
  load(): void;
  /** The chat events of a run. */
  chat(runId: string): News[];
  /** `role: text` of every message, by default of the main session. */
  history(key?: SessionKey): Promise<string[]>;
  leave(): Promise<void>;
  /** As a kill does it: nobody is told, nothing is finished. */
  vanish(): Promise<void>;
}

/** Everything between inbox and outbox, on a real database. */
// oxlint-disable-next-line max-lines-per-function -- one fixture: its parts share what they build on
async function house(dir: TestDir, options: HouseOptions = {}): Promise<House> {
  const ids = systemIds;
  const store = await openStore({ path: `${dir.path}/host.db`, log: silentLog, onFatal: () => undefined });
  const sessions = await openSessions({ store, ids });
  const runtime = options.runtime ?? echoRuntime;
  const runtimes = createRuntimes({ runtimeOf: () => runtime.id, clock });
  if (options.unloaded !== true) runtimes.register(runtime);
  const events: News[] = [];
  const sink: EventSink = { publish: (event, payload) => void events.push({ event, payload: { ...payload } }) };
  const lanes = createLanes();
  const typing: boolean[] = [];
  let wake = (): void => {};
  const inbox = await openInbox({ store, clock, log: silentLog, onRecorded: () => wake() });
  const turns = createTurns({
    clock,
    ids,
    log: silentLog,
    store,
    sessions,
    sink,
    lanes,
    runtimes,
    settings: () => ({ timeoutMs: 0 }),
    async plan(target, body, { deliveryId, runId }) {
      await options.plan?.(target, body);
      const outbound = { type: "message" as const, to: target.peer, body };
      const part = { index: 0, of: 1, ...(body.text === undefined ? {} : { text: body.text }) };
      const lane = laneKey(target.channel, target.account, target.peer);
      const { channel, account } = target;
      return [{ deliveryId, channel, account, lane, outbound, part, at: 1, ...(runId === undefined ? {} : { runId }) }];
    },
    outbox: { wake: () => undefined },
    resetSession: async (key) =>
      sessions.noteCommitted(await store.run("sessions.reset", { key, sessionId: ids.uuid(), at: 1 })),
    onStuck: () => undefined,
    inbox,
    rules: ({ channel }) =>
      channel === "gone"
        ? undefined
        : {
            policy: parsePolicy(options.config ?? { dmPolicy: "open" }, "channels.tele.allowFrom"),
            routing: { agentId: "main", mainKey: "main", scope: "per-sender", mainFor: ["tele:42"], bindings: [] },
          },
    echo: createEchoGuard(clock),
    isOurs: (_channel, senderId) => senderId === "bot-1",
    pairing: {
      isPaired: (_name, senderId) => senderId === "9",
      request: async (_name, { from }) => ({ reason: `sender ${from.id} waits`, answer: "code AAAA2222" }),
      approve: async ({ channel, account = "", code }, by) => {
        if (code !== "AAAA2222") throw invalidRequest("nobody waits");
        return { channel, account, sender: "8", name: "Bob", approvedAt: 1, approvedBy: by };
      },
    },
    fetchMedia: (_account, pending) =>
      options.fetchMedia?.(pending) ?? Promise.reject(new Error("no media in this test")),
    typing: async (_target, on) => void typing.push(on),
  });
  wake = () => turns.wake();
  return {
    store,
    sessions,
    inbox,
    turns,
    lanes,
    events,
    typing,
    load: () => void runtimes.register(runtime),
    chat: (runId: string) => events.filter(({ event, payload }) => event === "chat" && payload["runId"] === runId),
    history: async (key = main) =>
      (await sessions.history(key, 100)).map(({ role, content }) => {
        const first = typeof content === "string" ? content : content[0]?.type === "text" ? content[0].text : "(media)";
        return `${role}: ${first}`;
      }),
    async leave(): Promise<void> {
      await turns.close(1_000);
      inbox.close();
      await store.close();
    },
    async vanish(): Promise<void> {
      open.splice(0);
      inbox.close();
      await store.close();
    },
  };
}

export const door = (runId: string, text: string, more: Partial<DoorRequest> = {}): DoorRequest => ({
  runId,
  door: "chat.send",
  identity: "device-1",
  digest: `digest of ${text}`,
  sessionKey: main,
  agentId: "main",
  request: { text, media: [] },
  ...more,
});

export const said = (
  eventId: string,
  text: string,
  more: { from?: string; group?: string; media?: PendingMedia[] } = {},
): Inbound => ({
  eventId,
  at: 5,
  peer: { kind: "dm", id: more.from ?? "42" },
  from: { id: more.from ?? "42", name: "Ada" },
  type: "message",
  messageId: `m-${eventId}`,
  body: {
    text,
    ...(more.group === undefined ? {} : { group: more.group }),
    ...(more.media === undefined ? {} : { media: more.media }),
  },
});

/** Lets time pass until something is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await clock.advance(20);
}

/** Lets time pass until a promise settles. */
export async function passing<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await until(() => settled);
  return promise;
}

/** How many parts are queued to leave. */
export async function outgoing({ store }: House): Promise<number> {
  const counts = await store.run("ledger.counts", {});
  return counts.filter(({ direction }) => direction === "out").reduce((sum, { count }) => sum + count, 0);
}

export async function inboxStates({ store }: House): Promise<Record<string, number>> {
  const counts = await store.run("ledger.counts", {});
  return Object.fromEntries(
    counts.filter(({ direction }) => direction === "in").map(({ state, count }) => [state, count]),
  );
}

let dir = makeTestDir();
const open: House[] = [];
/** Where the houses of the running test keep their database. */
export const databasePath = (): string => `${dir.path}/host.db`;
/** The houses that were closed by the test itself. */
export const forget = (): void => void open.splice(0);

/** Opens a house; the test that did so leaves it when it ends. */
export async function start(options: HouseOptions = {}): Promise<House> {
  const started = await house(dir, options);
  open.push(started);
  await started.turns.recover();
  return started;
}

afterEach(async () => {
  for (const one of open.splice(0)) await passing(one.leave());
  dir.remove();
  dir = makeTestDir();
  clock = createFakeClock();
});

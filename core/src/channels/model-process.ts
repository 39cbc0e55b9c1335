import { setImmediate as tick } from "node:timers/promises";
import type { Body, Inbound } from "openclaw-host-sdk";
import type { AgentRuntime } from "../agent/runtime.ts";
import { createRuntimes } from "../agent/runtimes.ts";
import type { DeliveryId } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import { openSessions } from "../sessions/sessions.ts";
import { openStore } from "../store/db.ts";
import { silentLog } from "../store/test-store.ts";
import { createGuestCalls } from "./guest-call.ts";
import { openInbox } from "./inbox/inbox.ts";
import { ALBUM_MS, type ModelAccount, partsOf } from "./model-part.ts";
import { type Outbox, type OutboxIntent, openOutbox } from "./outbox/outbox.ts";
import { type DeliveryTarget, laneKey } from "./policy/route.ts";
import { plainSurroundings } from "./test-turns.ts";
import { createTurns } from "./turn/turn.ts";

export const MODEL_CHANNEL = "model";

/** One process of the gateway: inbox, turns and outbox on a real database. */
export interface ModelProcess {
  readonly clock: FakeClock;
  readonly outbox: Outbox;
  /** The outcome of each event. */
  receive(account: ModelAccount, events: readonly Inbound[]): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** An answer in as many parts as its event's name asks for. */
function intents(
  { deliveryId, at }: { readonly deliveryId: DeliveryId; readonly at: number },
  { channel, account, peer }: DeliveryTarget,
  body: Body,
): OutboxIntent[] {
  const lane = laneKey(channel, account, peer);
  const text = body.text ?? "";
  // What is not an event's name is the sentence of a turn that failed.
  const of = /^\d+-\d+$/u.test(text) ? partsOf(text) : 1;
  const outbound = { type: "message", to: peer, body } as const;
  return Array.from({ length: of }, (_, index) => {
    return { deliveryId, channel, account, lane, outbound, part: { index, of, text }, at };
  });
}

export async function openModelProcess(path: string, now: number, runtime: AgentRuntime): Promise<ModelProcess> {
  const clock = createFakeClock(now);
  const ids = { ...systemIds, fraction: () => 0 };
  const log = silentLog;
  const store = await openStore({ path, log, onFatal: () => undefined });
  const sessions = await openSessions({ store, ids });
  const runtimes = createRuntimes({ runtimeOf: () => runtime.id, clock });
  runtimes.register(runtime);
  const outbox = await openOutbox({
    store,
    clock,
    ids,
    log,
    calls: createGuestCalls({ clock, ids }),
    rules: ({ account }) => ({ onUnknown: account === "resends" ? "resend" : "park", sendsPerSecond: 10_000 }),
  });
  let wake = (): void => {};
  const inbox = await openInbox({ store, clock, log, debounceMs: ALBUM_MS, onRecorded: () => wake() });
  const turns = createTurns({
    ...plainSurroundings(clock, MODEL_CHANNEL),
    clock,
    ids,
    log,
    store,
    sessions,
    runtimes,
    inbox,
    outbox,
    plan: async (target, body, { deliveryId }) => intents({ deliveryId, at: clock.now() }, target, body),
  });
  wake = () => turns.wake();
  await turns.recover();
  return {
    clock,
    outbox,
    async receive(account, events) {
      const scope = { channel: MODEL_CHANNEL, account, lease: `bot of ${account}` };
      return (await inbox.receive(scope, events, {})).map(({ outcome }) => outcome);
    },
    async end() {
      inbox.close();
      await store.close();
      await tick();
    },
  };
}

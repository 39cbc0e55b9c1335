import type { AccountCtx, Actor, Call, Health, Inbound, MediaRef } from "openclaw-host-sdk";

/** A clock that a test moves; sleepers wake in order. */
interface TestClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  advance(ms: number): void;
  /** How long the present sleepers still sleep, ms, shortest first. */
  sleeping(): number[];
}

/** The host's side of the contract, in memory. */
export interface TestHost {
  readonly ctx: AccountCtx<unknown>;
  readonly clock: TestClock;
  readonly received: Inbound[];
  readonly health: Omit<Health, "since">[];
  readonly logs: string[];
  /** Bytes of the media store by ref. */
  readonly blobs: Map<string, Uint8Array>;
  cursor: string | undefined;
  /** When set, `receive` throws it once. */
  refuseOnce: Error | undefined;
  addMedia(bytes: Uint8Array, media: Omit<MediaRef, "ref" | "bytes">): MediaRef;
  /** Ends the context as the host does: signal first, then the effects, last in first out. */
  stop(): Promise<void>;
}

const START = 1_700_000_000_000;

function createTestClock(): TestClock {
  let now = START;
  const sleepers = new Set<{ dueAt: number; wake: () => void }>();
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { dueAt: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake);
      }),
    advance(ms) {
      now += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.dueAt - b.dueAt)) if (sleeper.dueAt <= now) sleeper.wake();
    },
    sleeping: () => [...sleepers].map(({ dueAt }) => dueAt - now).sort((a, b) => a - b),
  };
}

/** A call from the host without a deadline that a test would reach. */
export const call = (signal: AbortSignal = new AbortController().signal): Call => ({
  id: "call",
  signal,
  deadline: Number.MAX_SAFE_INTEGER,
});

export const self: Actor = { id: "4242", name: "Fake Bot", handle: "fake_bot", bot: true };

type State = Pick<TestHost, "received" | "health" | "logs" | "blobs" | "addMedia"> & {
  cursor: string | undefined;
  refuseOnce: Error | undefined;
};

export function createTestHost(config: object): TestHost {
  const clock = createTestClock();
  const stopping = new AbortController();
  const effects: (() => void | Promise<void>)[] = [];
  const state: State = {
    received: [],
    health: [],
    logs: [],
    blobs: new Map(),
    cursor: undefined,
    refuseOnce: undefined,
    addMedia(bytes, media) {
      const ref = `media-${state.blobs.size + 1}`;
      state.blobs.set(ref, bytes);
      return { ...media, ref, bytes: bytes.length };
    },
  };
  const effect = (undo: () => void | Promise<void>) => void effects.push(undo);
  const ctx = { config, account: "default", self, signal: stopping.signal, clock, effect, ...doors(state) };
  return Object.assign(state, {
    ctx,
    clock,
    async stop() {
      stopping.abort();
      for (const undo of effects.toReversed()) await undo();
    },
  });
}

type Doors = Omit<AccountCtx<unknown>, "config" | "account" | "self" | "signal" | "clock" | "effect">;

function doors(state: State): Doors {
  const note = (message: string, fields?: object) => void state.logs.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const notHere = () => Promise.reject(new Error("the test host has no such door"));
  return {
    log: { debug: note, info: note, warn: note, error: note },
    store: { get: notHere, getMany: notHere, list: notHere, batch: notHere },
    media: {
      async put(data, as) {
        const bytes = new Uint8Array(await new Response(data).arrayBuffer());
        return state.addMedia(bytes, { kind: "file", mime: "application/octet-stream", ...as });
      },
      open: async (media) => new Blob([new Uint8Array(state.blobs.get(media.ref) ?? fail(media.ref))]).stream(),
    },
    dir: notHere,
    fetch: notHere,
    http: notHere,
    async receive(batch, options) {
      const refusal = state.refuseOnce;
      state.refuseOnce = undefined;
      if (refusal !== undefined) throw refusal;
      // What crosses to the host must survive this.
      state.received.push(...structuredClone(batch));
      state.cursor = options?.cursor ?? state.cursor;
      return batch.map(() => ({ outcome: "stored" }));
    },
    cursor: async () => state.cursor,
    health: (health) => void state.health.push(health),
  };
}

function fail(ref: string): never {
  throw new Error(`no such media: ${ref}`);
}

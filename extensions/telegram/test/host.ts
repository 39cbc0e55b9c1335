import type { AccountCtx, Actor, Call, Health, Inbound, MediaRef } from "openclaw-host-sdk";

/** A clock that a test moves; sleepers wake in order. */
export interface TestClock {
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

export function createTestClock(): TestClock {
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

export function createTestHost(config: unknown): TestHost {
  const clock = createTestClock();
  const stopping = new AbortController();
  const effects: (() => void | Promise<void>)[] = [];
  const note = (message: string, fields?: object) => void host.logs.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const notHere = () => Promise.reject(new Error("the test host has no such door"));
  const ctx: AccountCtx<unknown> = {
    config,
    account: "default",
    self,
    signal: stopping.signal,
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    store: { get: notHere, getMany: notHere, list: notHere, batch: notHere },
    media: {
      async put(data, as) {
        const bytes = new Uint8Array(await new Response(data).arrayBuffer());
        return host.addMedia(bytes, { kind: "file", mime: "application/octet-stream", ...as });
      },
      open: async (media) => new Blob([new Uint8Array(host.blobs.get(media.ref) ?? fail(media.ref))]).stream(),
    },
    dir: notHere,
    fetch: notHere,
    http: notHere,
    effect: (undo) => void effects.push(undo),
    async receive(batch, options) {
      const refusal = host.refuseOnce;
      host.refuseOnce = undefined;
      if (refusal !== undefined) throw refusal;
      // What crosses to the host must survive this.
      host.received.push(...structuredClone(batch));
      host.cursor = options?.cursor ?? host.cursor;
      return batch.map(() => ({ outcome: "stored" }));
    },
    cursor: async () => host.cursor,
    health: (health) => void host.health.push(health),
  };
  const host: TestHost = {
    ctx,
    clock,
    received: [],
    health: [],
    logs: [],
    blobs: new Map(),
    cursor: undefined,
    refuseOnce: undefined,
    addMedia(bytes, media) {
      const ref = `media-${host.blobs.size + 1}`;
      host.blobs.set(ref, bytes);
      return { ...media, ref, bytes: bytes.length };
    },
    async stop() {
      stopping.abort();
      for (const undo of effects.toReversed()) await undo();
    },
  };
  return host;
}

function fail(ref: string): never {
  throw new Error(`no such media: ${ref}`);
}

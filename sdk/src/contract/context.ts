import type { Actor, Health, Inbound, MediaRef } from "./vocabulary.ts";

/** Structured-clone values of the extension's own store, in scope (extension, account). */
export interface GuestStore {
  get(key: string): Promise<unknown>;
  getMany(keys: readonly string[]): Promise<Map<string, unknown>>;
  /** Pairs whose key starts with `prefix`, ordered by key; at most `limit` (default 100) after `after`. */
  list(prefix: string, page?: { after?: string; limit?: number }): Promise<[string, unknown][]>;
  /** One transaction. */
  batch(ops: readonly ({ set: string; value: unknown } | { delete: string })[]): Promise<void>;
}

/** Media moves through the host's store; bytes never cross as one message. */
export interface MediaDoor {
  put(data: ReadableStream<Uint8Array>, as: { mime?: string; name?: string }): Promise<MediaRef>;
  open(media: MediaRef): Promise<ReadableStream<Uint8Array>>;
}

export type GuestLog = Record<"debug" | "info" | "warn" | "error", (message: string, fields?: object) => void>;

/** The only doors an extension has. */
export interface BaseCtx<C> {
  /** Secrets are already resolved; the host redacts their values everywhere. */
  readonly config: Readonly<C>;
  readonly signal: AbortSignal;
  readonly log: GuestLog;
  readonly store: GuestStore;
  readonly media: MediaDoor;
  /** A private folder that exists. */
  dir(): Promise<string>;
  /** Runs in the host, within `permissions.net` and the SSRF guard. */
  readonly fetch: typeof fetch;
  readonly clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  /** Undo to run at stop, last in first out. */
  effect(undo: () => void | Promise<void>, label?: string): void;
}

export interface ChannelCtx<A> extends BaseCtx<A> {
  readonly account: string;
}

/** Outcome of one received event: stored now, or known already. */
export interface ReceiveOutcome {
  readonly outcome: "stored" | "duplicate";
}

export interface WebhookRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export interface WebhookResponse {
  readonly status: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}

export interface AccountCtx<A> extends ChannelCtx<A> {
  /** From `probe`. */
  readonly self: Actor;
  /**
   * The single inbound door: events and cursor commit in one transaction and the call resolves after it. An empty batch
   * with a cursor is legal. One call in flight per account. Throws `ReceiveError` when nothing could be stored.
   */
  receive(batch: readonly Inbound[], options?: { cursor?: string }): Promise<ReceiveOutcome[]>;
  /** The cursor of the last committed `receive`. */
  cursor(): Promise<string | undefined>;
  /**
   * Tells how the link is, at least whenever that changes; believed while it is connected. A channel that declares
   * `Capabilities.livenessMs` tells `{ state: "ready", lastRoundTripAt }` after a completed ping, heartbeat or empty poll as well:
   * that is how one proves itself that has nothing else to say. Events that it receives prove it too.
   */
  health(health: Omit<Health, "since">): void;
  http(path: string, handler: (request: WebhookRequest) => Promise<WebhookResponse>): Promise<URL>;
}

import type { WebSocket } from "ws";
import type { Caller } from "../auth/caller.ts";
import type { PeerFacts } from "../auth/local-trust.ts";
import type { ConnId } from "../base/brand.ts";
import type { Clock, Undo } from "../base/clock.ts";
import { closeReason } from "./codec.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { LIMITS } from "./limits.ts";

/** Where a connection stands. `queued` holds what arrived while the connect was being decided. */
export type ConnectionState =
  | {
      readonly at: "challenged";
      readonly nonce: string;
      readonly deciding: boolean;
      readonly queued: Buffer[];
    }
  | { readonly at: "ready"; readonly caller: Caller; readonly dialect: Dialect }
  | { readonly at: "closing" };

export interface ConnectionParts {
  readonly ws: WebSocket;
  readonly id: ConnId;
  readonly peer: PeerFacts;
  readonly nonce: string;
  readonly clock: Clock;
  /** Bytes that may wait for the client to read them. */
  readonly maxBufferedBytes: number;
}

/** One client's socket and its state. Everything that is sent to the client goes through here. */
export class Connection {
  readonly id: ConnId;
  readonly peer: PeerFacts;
  /** Consecutive calls that belong to another role. */
  unauthorizedCalls = 0;
  /** Number of the last broadcast event of this connection. */
  seq = 0;
  #state: ConnectionState;
  #abort: AbortController | undefined;
  #cancelGrace: Undo | undefined;
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #maxBufferedBytes: number;

  constructor({ ws, id, peer, nonce, clock, maxBufferedBytes }: ConnectionParts) {
    this.id = id;
    this.peer = peer;
    this.#ws = ws;
    this.#clock = clock;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#state = { at: "challenged", nonce, deciding: false, queued: [] };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Bytes that wait for the client to read them. */
  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** Aborts when the connection closes. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#state.at === "closing") this.#abort.abort();
    return this.#abort.signal;
  }

  /** The connect is being decided; further messages wait. */
  deciding(): void {
    if (this.#state.at === "challenged") this.#state = { ...this.#state, deciding: true };
  }

  enqueue(data: Buffer): void {
    if (this.#state.at === "challenged") this.#state.queued.push(data);
  }

  /** The connect is accepted. Returns the messages that waited, or undefined when the client has gone meanwhile. */
  ready(caller: Caller, dialect: Dialect): readonly Buffer[] | undefined {
    if (this.#state.at !== "challenged") return undefined;
    const { queued } = this.#state;
    this.#state = { at: "ready", caller, dialect };
    return queued;
  }

  /** Whether more waits for the client than it may keep waiting. */
  get isSlow(): boolean {
    return this.bufferedBytes > this.#maxBufferedBytes;
  }

  /** A client that asks without reading the answers is closed: they would fill the memory (wire protocol 1.1). */
  send(text: string): void {
    if (!this.offer(text)) this.closeSlow();
  }

  /** Sends, unless too much waits for the client already: then nothing is sent, and the answer is false. */
  offer(text: string): boolean {
    if (this.#state.at === "closing") return true;
    if (this.isSlow) return false;
    this.#ws.send(text);
    return true;
  }

  closeSlow(): void {
    this.close(1008, "slow consumer");
  }

  /** Says goodbye, and destroys the socket when the client does not answer. Later sends are dropped. */
  close(code: number, reason = ""): void {
    if (this.#state.at === "closing") return;
    this.#leave();
    this.#ws.close(code, closeReason(reason));
    this.#cancelGrace = this.#clock.after(LIMITS.closeGraceMs, () => this.#ws.terminate());
  }

  /** Says goodbye without waiting for an answer. */
  drop(code: number, reason = ""): void {
    this.close(code, reason);
    this.#ws.terminate();
  }

  /** The socket has closed. */
  gone(): void {
    this.#leave();
    this.#cancelGrace?.();
  }

  #leave(): void {
    this.#state = { at: "closing" };
    this.#abort?.abort();
  }
}

import type {
  Actor,
  Body,
  Call,
  Capabilities,
  Closed,
  Health,
  Inbound,
  MediaRef,
  Outbound,
  Part,
  Peer,
  ProbeResult,
  Receipt,
  ReceiveOutcome,
  StreamMeta,
} from "openclaw-host-sdk";

/** One configured account of a channel; `config` holds resolved secrets. */
export interface AccountSpec {
  readonly channel: string;
  readonly account: string;
  readonly config: unknown;
}

/** The doors of one account that belong to the channel domain; the host adds store, media, fetch and log itself. */
export interface AccountDoors {
  /** Resolves after the commit of events and cursor. Throws `ReceiveError` when they could not be stored. */
  receive(batch: readonly Inbound[], options: { cursor?: string }): Promise<ReceiveOutcome[]>;
  /** The cursor of the last commit of this identity. */
  cursor(): Promise<string | undefined>;
  /** What the channel says of itself; believed only while it is connected. */
  health(health: Omit<Health, "since">): void;
}

/** A draft in a guest. A rejection that is no `SendError` tells nothing about what the platform shows. */
export interface ChannelStream {
  readonly ids: readonly string[];
  push(text: string, call: Call): Promise<void>;
  finish(body: Body, part: Part, call: Call): Promise<Receipt>;
  abort(call: Call): Promise<void>;
}

/** What `openStream` is told besides the conversation; the fields are those of the contract's `StreamMeta`. */
export type StreamOpening = Omit<StreamMeta, "call">;

/**
 * A live link in a guest. Every call has a deadline (`call.deadline`, epoch ms) and may be aborted. A rejection that is no
 * `SendError` tells nothing about the message: the platform may have it.
 */
export interface ChannelConnection {
  /** Settles once, when the link has ended by whichever side; never rejects. */
  readonly closed: Promise<Closed>;
  /** One part, one platform call; `key` is the same at every attempt, `attempt` counts from 1. */
  send(outbound: Outbound, meta: { key: string; part: Part; attempt: number }, call: Call): Promise<Receipt>;
  /** Absent when the channel cannot tell. */
  reconcile?(
    outbound: Outbound,
    meta: { key: string; part: Part },
    call: Call,
  ): Promise<Receipt | "absent" | "unknown">;
  /** Downloads what an event announced; absent when the channel announces nothing. */
  fetchMedia?(pending: string, call: Call): Promise<MediaRef>;
  /** Absent when the platform shows no such thing. */
  typing?(to: Peer, on: boolean, call: Call): Promise<void>;
  /** Absent when the channel shows no answer before it is complete. */
  openStream?(to: Peer, opening: StreamOpening, call: Call): Promise<ChannelStream>;
  /** Stops the intake, waits for calls in flight, then ends the link. Harmless on one that has ended. */
  drain(call: Call): Promise<void>;
}

/** A channel that a guest provides, as `channels/` sees it. Every function may cross a process boundary. */
export interface ChannelPort {
  readonly id: string;
  readonly label: string;
  readonly extension: string;
  /** JSON Schema of `channels.<id>` and of one account, from the manifest. */
  readonly schema: { readonly config: object; readonly account: object };
  /** What this account can do; asked once per connection. */
  capabilities(spec: AccountSpec, call: Call): Promise<Capabilities>;
  /** Who the account is, from the platform itself. A refused token is an answer, not an error. */
  probe(spec: AccountSpec, call: Call): Promise<ProbeResult>;
  /** Throws `ConnectError`. */
  connect(spec: AccountSpec & { self: Actor }, doors: AccountDoors, call: Call): Promise<ChannelConnection>;
  /** Absent when the host splits by the declared limit. */
  render?(outbound: Outbound, call: Call): Promise<Omit<Part, "index" | "of">[]>;
  /** Undefined for text that names no conversation; absent when the channel reads no destinations. */
  parseTarget?(raw: string, call: Call): Promise<Peer | undefined>;
}

import type {
  Actor,
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
} from "openclaw-host-sdk";

/** One configured account of a channel; `config` holds resolved secrets. */
export interface AccountSpec {
  readonly channel: string;
  readonly account: string;
  readonly config: unknown;
}

/** The doors of one account that belong to the channel domain; the host adds store, media, fetch and log itself. */
export interface AccountDoors {
  receive(batch: readonly Inbound[], options: { cursor?: string }): Promise<ReceiveOutcome[]>;
  cursor(): Promise<string | undefined>;
  health(health: Omit<Health, "since">): void;
}

/** A live link in a guest. Errors are the contract's `SendError` and plain errors. */
export interface ChannelConnection {
  readonly closed: Promise<Closed>;
  send(outbound: Outbound, meta: { key: string; part: Part; attempt: number }, call: Call): Promise<Receipt>;
  /** Absent when the channel cannot tell. */
  reconcile?(
    outbound: Outbound,
    meta: { key: string; part: Part },
    call: Call,
  ): Promise<Receipt | "absent" | "unknown">;
  fetchMedia?(pending: string, call: Call): Promise<MediaRef>;
  typing?(to: Peer, on: boolean, call: Call): Promise<void>;
  drain(call: Call): Promise<void>;
}

/** A channel that a guest provides, as `channels/` sees it. Every function may cross a process boundary. */
export interface ChannelPort {
  readonly id: string;
  readonly label: string;
  readonly extension: string;
  /** JSON Schema of `channels.<id>` and of one account, from the manifest. */
  readonly schema: { readonly config: object; readonly account: object };
  capabilities(spec: AccountSpec, call: Call): Promise<Capabilities>;
  probe(spec: AccountSpec, call: Call): Promise<ProbeResult>;
  /** Throws `ConnectError`. */
  connect(spec: AccountSpec & { self: Actor }, doors: AccountDoors, call: Call): Promise<ChannelConnection>;
  /** Absent when the host splits by the declared limit. */
  render?(outbound: Outbound, call: Call): Promise<Omit<Part, "index" | "of">[]>;
  parseTarget?(raw: string, call: Call): Promise<Peer | undefined>;
}

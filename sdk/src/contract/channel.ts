import type { Static, TSchema } from "@sinclair/typebox";
import type { AccountCtx, ChannelCtx } from "./context.ts";
import type {
  Actor,
  Body,
  Call,
  Capabilities,
  Closed,
  LoginStep,
  MediaRef,
  Outbound,
  Part,
  Peer,
  Receipt,
} from "./vocabulary.ts";

export interface ProbeResult {
  readonly ok: boolean;
  readonly self?: Actor;
  /** What may have one connection; default `self.id`. */
  readonly lease?: string;
  readonly detail?: string;
  readonly fix?: string;
}

/** Identity of one part of one delivery. `attempt` counts from 1; `key` is stable across attempts. */
export interface SendMeta {
  readonly key: string;
  readonly part: Part;
  readonly attempt: number;
  readonly call: Call;
}

/** A streaming reply the channel edits in place. */
export interface OutboundStream {
  readonly ids: readonly string[];
  push(fullTextSoFar: string): Promise<void>;
  finish(body: Body): Promise<Receipt>;
  abort(): Promise<void>;
}

/** One lifetime of a link to the platform. */
export interface Connection {
  /** Settles when the link dies; the host decides what happens next. */
  readonly closed: Promise<Closed>;
  /** Throws `SendError` with the fate of the part. */
  send(outbound: Outbound, meta: SendMeta): Promise<Receipt>;
  reconcile?(outbound: Outbound, meta: Omit<SendMeta, "attempt">): Promise<Receipt | "absent" | "unknown">;
  fetchMedia?(pending: string, call: Call): Promise<MediaRef>;
  typing?(to: Peer, on: boolean, call: Call): Promise<void>;
  read?(to: Peer, upTo: string, call: Call): Promise<void>;
  openStream?(
    to: Peer,
    meta: { key: string; replyTo?: string; resume?: { ids: readonly string[] }; call: Call },
  ): Promise<OutboundStream>;
  /** Stop intake, finish receives, then close. */
  drain(call: Call): Promise<void>;
}

/** Asks the account what it can do. A method type, so that channels of different account types fit one list. */
type AskCapabilities<A> = { ask(account: A, call: Call): Promise<Capabilities> }["ask"];

/** What the author of a channel defines. Every function may run in another process: it returns a Promise and takes a Call. */
export interface ChannelDef<S extends TSchema = TSchema, A extends TSchema = TSchema> {
  readonly id: string;
  readonly label: string;
  /** Schema of `channels.<id>`. */
  readonly config: S;
  /** Schema of one account after the channel-wide keys were merged under it. */
  readonly account: A;
  readonly capabilities: Capabilities | AskCapabilities<Static<A>>;
  login?(
    ctx: ChannelCtx<Static<A>>,
    how: "qr" | "code" | "token",
    call: Call,
  ): AsyncGenerator<LoginStep, { label: string }, string | undefined>;
  logout?(ctx: ChannelCtx<Static<A>>, call: Call): Promise<void>;
  probe(ctx: ChannelCtx<Static<A>>, call: Call): Promise<ProbeResult>;
  /** Resolves with a live connection or throws `ConnectError`. */
  connect(ctx: AccountCtx<Static<A>>, call: Call): Promise<Connection>;
  /** The channel splits a message itself; without it the host splits by `capabilities.text`. */
  render?(outbound: Outbound, call: Call): Promise<Omit<Part, "index" | "of">[]>;
  readonly targets?: {
    parse(raw: string, call: Call): Promise<Peer | undefined>;
    search?(ctx: ChannelCtx<Static<A>>, query: string, call: Call): Promise<Peer[]>;
  };
}

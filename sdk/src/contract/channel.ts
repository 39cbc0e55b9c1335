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

/** A draft to open, or to go on with. `key` is the same as that of the answer's first part. */
export interface StreamMeta {
  readonly key: string;
  /** What the draft shows first; at most `capabilities.text.limit`, Markdown as answers have it. */
  readonly text: string;
  readonly replyTo?: string;
  /** The draft is there already, opened by an earlier connection or process: post nothing, hold on to these ids. */
  readonly resume?: { readonly ids: readonly string[] };
  readonly call: Call;
}

/**
 * An answer that is shown while it is being written. The host makes one call at a time, and each replaces what the one before
 * showed. Each throws `SendError`; a push that fails is not repeated, the next one shows more anyway.
 */
export interface OutboundStream {
  /** Of the platform's message; the host stores them before the first `push`. */
  readonly ids: readonly string[];
  push(fullTextSoFar: string, call: Call): Promise<void>;
  /**
   * The draft becomes the first part of the answer. `body` is that part alone, for channels the host splits for; a channel that
   * renders takes `part`. With `stream: "edit"` doing it twice must change nothing, since an answer that was lost is asked for
   * again; success includes "it reads so already". `rejected` means that the draft cannot become the answer: the host then
   * aborts it and sends the part by `send`.
   */
  finish(body: Body, meta: { readonly part: Part; readonly call: Call }): Promise<Receipt>;
  /** Deletes the draft; one that is gone already is a success. */
  abort(call: Call): Promise<void>;
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
  /**
   * Posts a draft, for channels that declare `capabilities.stream`. Throws `SendError` with the draft's fate. One whose fate is
   * `unknown` is looked for with `reconcile`, else reported to the owner, and not opened again.
   */
  openStream?(to: Peer, meta: StreamMeta): Promise<OutboundStream>;
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

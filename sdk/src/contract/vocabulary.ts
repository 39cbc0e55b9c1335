/**
 * The words an extension and the host exchange. Every value here survives `structuredClone`, so the same extension
 * runs inline, in a worker thread or in a child process. Every time is epoch milliseconds.
 */

export type PeerKind = "dm" | "group" | "channel";

/** Where a message comes from or goes to. `threadId` names a topic or thread inside the peer. */
export interface Peer {
  readonly kind: PeerKind;
  readonly id: string;
  readonly threadId?: string;
  readonly label?: string;
}

/** Somebody on the platform. `id` is the platform's stable id, `handle` a changeable user name without `@`. */
export interface Actor {
  readonly id: string;
  readonly name?: string;
  readonly handle?: string;
  readonly bot?: boolean;
}

export type MediaKind = "image" | "audio" | "voice" | "video" | "file" | "sticker";

/** A blob in the host's media store. `ref` is a random handle valid for one extension. */
export interface MediaRef {
  readonly ref: string;
  readonly kind: MediaKind;
  readonly mime: string;
  readonly bytes: number;
  readonly name?: string;
}

/** Media the channel has announced but not fetched; the host calls `fetchMedia(pending)` after the durable append. */
export interface PendingMedia {
  readonly pending: string;
  readonly kind: MediaKind;
  readonly mime?: string;
  readonly bytes?: number;
  readonly name?: string;
}

/** What a message says. `group` is an album id: the host waits up to 2 s for the rest of the album. */
export interface Body {
  readonly text?: string;
  readonly format?: "plain" | "markdown";
  readonly media?: readonly (MediaRef | PendingMedia)[];
  readonly group?: string;
  readonly mentions?: readonly string[];
}

/** One platform call and one outbox row. `native` is private to the channel (entities, blocks). */
export interface Part {
  readonly index: number;
  readonly of: number;
  readonly text?: string;
  readonly native?: unknown;
  readonly media?: readonly MediaRef[];
}

interface InboundBase {
  /** Unique for ever within (channel, lease). */
  readonly eventId: string;
  readonly at: number;
  readonly peer: Peer;
  readonly from: Actor;
  /** True when the account itself wrote it, on another device. */
  readonly self?: boolean;
}

/** `messageId` is opaque to the host, compared bytewise, at most 512 bytes and unique within the peer. */
export type Inbound = InboundBase &
  (
    | {
        readonly type: "message";
        readonly messageId: string;
        readonly body: Body;
        readonly replyTo?: string;
        readonly mentionedMe?: boolean;
        readonly command?: { readonly name: string; readonly args: string };
      }
    | { readonly type: "edit"; readonly messageId: string; readonly body: Body }
    | { readonly type: "delete"; readonly messageId: string }
    | { readonly type: "reaction"; readonly messageId: string; readonly emoji: string; readonly removed?: boolean }
    | { readonly type: "pollVote"; readonly messageId: string; readonly options: readonly number[] }
    | { readonly type: "action"; readonly messageId: string; readonly value: string }
    | { readonly type: "peerMoved"; readonly to: Peer }
  );

interface OutboundBase {
  readonly to: Peer;
  readonly replyTo?: string;
}

export type Outbound = OutboundBase &
  (
    | { readonly type: "message"; readonly body: Body; readonly silent?: boolean }
    | { readonly type: "edit"; readonly messageId: string; readonly body: Body }
    | { readonly type: "delete"; readonly messageId: string }
    | { readonly type: "reaction"; readonly messageId: string; readonly emoji: string; readonly remove?: boolean }
    | {
        readonly type: "poll";
        readonly question: string;
        readonly options: readonly string[];
        readonly multiple?: boolean;
        readonly closesAt?: number;
      }
    | { readonly type: "thread"; readonly title: string; readonly from?: string }
  );

/** The platform's answer to one part. */
export interface Receipt {
  readonly ids: readonly string[];
  readonly at: number;
  readonly peer: Peer;
}

/** Why a connection ended and what the platform meant by it. */
export interface Closed {
  readonly retry: "now" | "backoff" | "never";
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  readonly retryAfterMs?: number;
  readonly loggedOut?: boolean;
}

/**
 * `ready` means a completed round trip within the liveness window (`Capabilities.livenessMs`), not an open socket.
 * `lastRoundTripAt`, epoch ms, is when the platform last answered over this link; one that is not newer than the last one told
 * proves nothing. A channel that tells of `degraded` mends its link by itself and has five minutes from one word to the next.
 */
export interface Health {
  readonly state: "starting" | "ready" | "degraded" | "logged-out" | "failed";
  readonly detail?: string;
  readonly fix?: string;
  readonly since: number;
  readonly lastRoundTripAt?: number;
}

/** What a channel can do, asked once per connection. Sizes in bytes, text limit in `unit`. */
export interface Capabilities {
  readonly peers: readonly PeerKind[];
  readonly threads?: boolean;
  readonly reactions?: boolean | readonly string[];
  readonly edit?: { readonly windowMs?: number };
  readonly delete?: boolean;
  readonly polls?: { readonly maxOptions: number; readonly votes?: boolean };
  readonly typing?: boolean;
  readonly media?: { readonly in: readonly MediaKind[]; readonly out: readonly MediaKind[]; readonly maxBytes: number };
  readonly text: {
    readonly limit: number;
    readonly captionLimit?: number;
    readonly unit: "utf16" | "bytes" | "codepoints";
    readonly markdown: boolean;
  };
  readonly delivery: { readonly idempotent: "native" | "reconcile" | "none"; readonly redeliveryWindowMs: number };
  /**
   * A promise, ms: while it is connected and well, the channel proves its way in at least this often, by `receive` or by
   * `ctx.health` with a new `lastRoundTripAt`, also when nobody writes. When it stays silent for longer the host shows
   * `degraded` and connects anew, whatever sends and probes say. 5,000 to 55,000; other values are taken for the nearest of
   * these. Without it the host asks by `probe` after 20 s without a completed call, which proves that the platform answers but
   * not that its events arrive: promise it wherever an idle link has a heartbeat, a ping or a long poll that ends.
   */
  readonly livenessMs?: number;
  /**
   * Answers can be shown while they are written, by `Connection.openStream`. `edit`: every step, the last one included, replaces
   * the text of one message, so that it may be repeated. `native`: the platform has streams, and its last step may not be.
   */
  readonly stream?: "edit" | "native";
}

export type LoginStep =
  | { readonly step: "qr"; readonly data: string; readonly expiresAt: number }
  | { readonly step: "code"; readonly code: string; readonly expiresAt: number }
  | { readonly step: "open"; readonly url: string }
  | { readonly step: "ask"; readonly field: string; readonly label: string; readonly secret?: boolean }
  | { readonly step: "wait"; readonly message: string };

/** Given to every call from the host into an extension. `deadline` is epoch ms. */
export interface Call {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly deadline: number;
}

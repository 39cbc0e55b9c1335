import type {
  Actor,
  AgentEvent,
  AgentTurn,
  Body,
  Capabilities,
  MediaRef,
  Outbound,
  Part,
  Peer,
  ProbeResult,
  Receipt,
  StreamMeta,
} from "openclaw-host-sdk";

/** What the guest needs to load its extension. Paths are absolute. */
export interface LoadOrder {
  /** Versions of the SDK contract that this host speaks. */
  readonly contracts: readonly number[];
  readonly extension: string;
  readonly entry: string;
  /** Folder that only this guest writes, for compiled TypeScript. */
  readonly cacheDir: string;
  /** Folder through which media moves. */
  readonly spoolDir: string;
  /** Counts loads of the same extension in one host, so that an inline guest never gets a stale module. */
  readonly generation: number;
  /** What the manifest promises. */
  readonly provides: { readonly channels: readonly string[]; readonly agents: readonly string[] };
}

/** A channel as its code defines it. */
export interface LoadedChannel {
  readonly id: string;
  readonly label: string;
  /** Optional functions the definition has. */
  readonly has: readonly ("render" | "parseTarget")[];
}

/** `refused` is final (another try gives the same), anything thrown is a crash. */
export type LoadOutcome =
  | {
      readonly ok: true;
      readonly contract: number;
      readonly channels: readonly LoadedChannel[];
      readonly agents: readonly string[];
    }
  | { readonly ok: false; readonly reason: string; readonly fix: string };

/** The account in whose name a call runs. `context` is the handle by which the guest's doors are known to the host. */
interface InAccount {
  readonly context: string;
  readonly channel: string;
  readonly account: string;
  readonly config: unknown;
}

interface OfPart {
  readonly context: string;
  readonly outbound: Outbound;
  readonly key: string;
  readonly part: Part;
}

/** Optional functions a connection has. */
export type ConnectionFeature = "reconcile" | "fetchMedia" | "typing" | "openStream";

/** A draft of a connection, by the key it was opened with. */
interface OfStream {
  readonly context: string;
  readonly key: string;
}

/** What a guest serves; the host calls. */
export interface GuestMethods {
  load: { params: LoadOrder; result: LoadOutcome };
  ping: { params: null; result: null };
  "channel.probe": { params: InAccount; result: ProbeResult };
  "channel.capabilities": { params: Omit<InAccount, "context">; result: Capabilities };
  "channel.connect": { params: InAccount & { readonly self: Actor }; result: readonly ConnectionFeature[] };
  "channel.render": { params: { channel: string; outbound: Outbound }; result: readonly Omit<Part, "index" | "of">[] };
  "channel.parseTarget": { params: { channel: string; raw: string }; result: Peer | null };
  "connection.send": { params: OfPart & { readonly attempt: number }; result: Receipt };
  "connection.reconcile": { params: OfPart; result: Receipt | "absent" | "unknown" };
  "connection.fetchMedia": { params: { context: string; pending: string }; result: MediaRef };
  "connection.typing": { params: { context: string; to: Peer; on: boolean }; result: null };
  /** Answers with the ids; a draft of the same key is replaced. */
  "connection.openStream": {
    params: { readonly context: string; readonly to: Peer } & Omit<StreamMeta, "call">;
    result: readonly string[];
  };
  "connection.pushStream": { params: OfStream & { readonly text: string }; result: null };
  /** The draft is forgotten once it succeeds, as with `abortStream`. */
  "connection.finishStream": { params: OfStream & { readonly body: Body; readonly part: Part }; result: Receipt };
  "connection.abortStream": { params: OfStream; result: null };
  /** Drains the connection, then runs the context's effects. */
  "connection.drain": { params: { context: string }; result: null };
  "turn.start": {
    params: { context: string; agent: string; config: unknown; turn: AgentTurn; timeoutMs: number };
    result: null;
  };
  /** At least one event, unless the turn is over. */
  "turn.pull": {
    params: { context: string };
    result: { readonly events: readonly AgentEvent[]; readonly over: boolean };
  };
  /** `forget`: nobody will pull any more. */
  "turn.abort": { params: { context: string; forget: boolean }; result: null };
  /** Reads the next chunk of a stream that the guest offered; null is the end. */
  "stream.read": { params: { stream: number }; result: Uint8Array | null };
  "stream.cancel": { params: { stream: number }; result: null };
  /** Runs every remaining effect, last in first out. */
  stop: { params: null; result: null };
}

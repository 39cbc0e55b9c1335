import type { ProtocolVersion } from "openclaw-host-schemas";
import type { ConnId } from "../base/brand.ts";

/** Who makes a request: everything a handler may know of the connection, all of it from the server's records. */
export interface Caller {
  readonly connId: ConnId;
  readonly role: "operator" | "node";
  readonly scopes: readonly string[];
  /** The signing device, or `local-owner` for a local operator with the shared secret and no device. */
  readonly identity: string;
  readonly client: {
    readonly id: string;
    readonly mode: string;
    readonly version: string;
    readonly platform: string;
    readonly displayName?: string;
    readonly deviceFamily?: string;
    readonly modelIdentifier?: string;
    readonly instanceId?: string;
  };
  readonly caps: readonly string[];
  /** Set unless the client is on the gateway's own host. */
  readonly remoteIp?: string;
  readonly protocol: ProtocolVersion;
}

/** What `wire/dispatch` hands to a handler besides the params. */
export interface RequestContext {
  readonly caller: Caller;
  /** Sends the first response of a two-phase method; the handler's return value is the second. */
  accepted(payload: unknown): void;
  /** Aborts when the connection closes. */
  readonly signal: AbortSignal;
}

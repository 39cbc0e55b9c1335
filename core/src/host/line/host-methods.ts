import type { Closed, Health, Inbound, MediaRef, ReceiveOutcome } from "openclaw-host-sdk";

/** One change of the guest's store. The value is opaque bytes to the host, which never decodes what a guest wrote. */
export interface StoreOp {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface FetchOrder {
  readonly context: string;
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Handle of the body's stream in the guest. */
  readonly body?: number;
  readonly redirect: "follow" | "manual" | "error";
}

export interface FetchAnswer {
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Handle of the body's stream in the host; absent when there is none. */
  readonly body?: number;
}

export interface LogNote {
  readonly context: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What the host serves; a guest calls. Every value is checked (`doors/checks.ts`) before a door sees it. */
export interface HostMethods {
  /** Pairs of the keys that exist. */
  "store.get": {
    params: { context: string; keys: readonly string[] };
    result: readonly (readonly [string, Uint8Array])[];
  };
  /** Pairs whose key starts with `prefix`, ordered by key. */
  "store.list": {
    params: { context: string; prefix: string; after?: string; limit: number };
    result: readonly (readonly [string, Uint8Array])[];
  };
  /** One transaction; limits in `STORE_LIMITS`. */
  "store.batch": { params: { context: string; ops: readonly StoreOp[] }; result: null };
  /** Takes a file the guest finished in its spool folder. */
  "media.put": { params: { context: string; file: string; mime?: string; name?: string }; result: MediaRef };
  /** Puts a copy into the guest's spool folder and answers with its name. */
  "media.open": { params: { context: string; ref: string }; result: string };
  /** A request made by the host. Bodies are streams of either side. */
  fetch: { params: FetchOrder; result: FetchAnswer };
  /** The extension's private folder, which exists then. */
  dir: { params: { context: string }; result: string };
  /** Resolves after the commit of events and cursor; fails with `ReceiveError`. */
  "account.receive": {
    params: { context: string; batch: readonly Inbound[]; cursor?: string };
    result: readonly ReceiveOutcome[];
  };
  /** The cursor of the last commit. */
  "account.cursor": { params: { context: string }; result: string | null };
  /** A note: nobody waits for it. */
  "account.health": { params: { context: string; health: Omit<Health, "since"> }; result: null };
  /** The connection of the context has ended. */
  "connection.closed": { params: { context: string; closed: Closed }; result: null };
  /** A note, at a bounded rate. */
  log: { params: LogNote; result: null };
  /** The last words of a guest that dies of an uncaught error. */
  fault: { params: { message: string }; result: null };
  "stream.read": { params: { stream: number }; result: Uint8Array | null };
  "stream.cancel": { params: { stream: number }; result: null };
}

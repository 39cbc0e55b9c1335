import type { ErrorShape, ProtocolVersion, Snapshot } from "openclaw-host-schemas";
import type { Refusal } from "../../auth/refusal.ts";

/** The client's claims that shape an error text. */
export interface ClientClaim {
  readonly id: string;
  readonly mode: string;
}

/** What hello-ok says of the connection's rights. */
export interface Granted {
  readonly role: string;
  /** Of this connection. */
  readonly scopes: readonly string[];
  /** Set when a device signed: its token, and what that may be used for. */
  readonly device?: { readonly token: string; readonly scopes: readonly string[]; readonly issuedAtMs: number };
}

/** From the canonical payload to what this version's clients know. */
export type Projection = (payload: never) => unknown;

/** Everything in which the protocol versions differ; the code around it is one. */
export interface Dialect {
  readonly version: ProtocolVersion;
  /** Unknown keys in frames and params are errors (wire protocol section 0, "Closedness"). */
  readonly closed: boolean;
  /** `details` of a `protocol mismatch`. */
  mismatchDetails(client: { readonly min: number; readonly max: number }): object;
  /** The error of a refused connect. */
  refusal(refusal: Refusal, client: ClientClaim): ErrorShape;
  /** An error in the codes of this version. */
  error(error: ErrorShape): ErrorShape;
  /** `auth` of hello-ok, or undefined when this version leaves it out. */
  auth(granted: Granted): object | undefined;
  /** The snapshot of hello-ok as far as these scopes may see it. */
  snapshot(snapshot: Snapshot, scopes: readonly string[]): Snapshot;
  /** Payloads of events that are not sent as they are, by event. */
  readonly events: Readonly<Record<string, Projection>>;
  /** Payloads of responses that are not sent as they are, by method. */
  readonly results: Readonly<Record<string, Projection>>;
  /** Refusals of params whose text differs from the located one, by method. */
  readonly paramsTexts: Readonly<Record<string, string>>;
}

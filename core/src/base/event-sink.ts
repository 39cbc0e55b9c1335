import type { EventName, PayloadOf, StateVersion } from "openclaw-host-schemas";

export interface PublishOptions {
  /** Only for events whose descriptor is `versioned`. */
  readonly stateVersion?: StateVersion;
  /** Only these connections receive it (and the frame carries no `seq`). */
  readonly onlyTo?: ReadonlySet<string>;
}

/**
 * Where side news goes. Publishing never blocks, never fails and nobody waits for it: a message's own way through the
 * gateway is calls and return values. The payload is canonical (a superset of all protocol versions); the wire's dialect
 * tables project it.
 */
export interface EventSink {
  publish<E extends EventName>(event: E, payload: PayloadOf<E>, options?: PublishOptions): void;
}

import type { Static, TNever, TSchema } from "@sinclair/typebox";
import type { OperatorScope } from "./scopes.ts";

/** Protocol versions this gateway serves. */
export type ProtocolVersion = 3 | 4;

/**
 * Everything the gateway knows of one method. Handler table, discovery list, role and scope checks,
 * JSON Schema and the method table in the docs are all derived from it.
 */
export interface MethodDescriptor<
  N extends string = string,
  P extends TSchema = TSchema,
  R extends TSchema = TSchema,
  A extends TSchema = TSchema,
> {
  readonly name: N;
  readonly params: P;
  /** The payload of the (final) response. */
  readonly result: R;
  /** Payload of the first of two responses; only two-phase methods have one. */
  readonly accepted?: A;
  readonly role: "operator" | "node" | "any";
  /** Scope an operator needs; `none` is open to every operator of the role. */
  readonly scope: OperatorScope | "none";
  /** `durable`: `params.idempotencyKey` is stored with its result; `none`: the method may be repeated freely. */
  readonly idempotency: "durable" | "none";
  /** First protocol version that has the method. */
  readonly since: ProtocolVersion;
  /** False when the method can be called but is not advertised in `features.methods` (wire protocol section 3). */
  readonly listed: boolean;
  /** True when unknown keys are refused in every dialect: pairing, approvals, configuration. */
  readonly strict: boolean;
}

/** Who may receive an event: a scope, everyone (`all`), or only connections it is addressed to (`targeted`). */
export type EventAudience = OperatorScope | "all" | "targeted" | "any-operator";

/** Decides by payload. A method type, so that descriptors of different payloads fit one table. */
type Droppable<T> = { decide(payload: T): boolean }["decide"];

/** Everything the gateway knows of one event. */
export interface EventDescriptor<N extends string = string, P extends TSchema = TSchema> {
  readonly name: N;
  readonly payload: P;
  readonly audience: EventAudience;
  /** True when a slow connection may miss it (wire protocol section 1); a miss shows as a gap in `seq`. */
  readonly droppable: boolean | Droppable<Static<P>>;
  /** True when the event carries `stateVersion`. */
  readonly versioned: boolean;
  readonly since: ProtocolVersion;
}

type MethodInput<N extends string, P extends TSchema, R extends TSchema, A extends TSchema> = Pick<
  MethodDescriptor<N, P, R, A>,
  "name" | "params" | "result" | "scope"
> &
  Partial<MethodDescriptor<N, P, R, A>>;

/** Declares a method. Defaults: role operator, no idempotency key, since version 3, listed, not strict. */
export function defineMethod<const N extends string, P extends TSchema, R extends TSchema, A extends TSchema = TNever>(
  input: MethodInput<N, P, R, A>,
): MethodDescriptor<N, P, R, A> {
  return Object.freeze({
    role: "operator",
    idempotency: "none",
    since: 3,
    listed: true,
    strict: false,
    ...input,
  } as const);
}

type EventInput<N extends string, P extends TSchema> = Pick<EventDescriptor<N, P>, "name" | "payload" | "audience"> &
  Partial<EventDescriptor<N, P>>;

/** Declares an event. Defaults: not droppable, not versioned, since version 3. */
export function defineEvent<const N extends string, P extends TSchema>(input: EventInput<N, P>): EventDescriptor<N, P> {
  return Object.freeze({ droppable: false, versioned: false, since: 3, ...input } as const);
}

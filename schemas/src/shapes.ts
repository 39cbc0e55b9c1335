import { type Static, type TObject, type TProperties, type TUnsafe, Type } from "@sinclair/typebox";

/** A string with at least one character. */
export const Text = Type.String({ minLength: 1 });

/** Milliseconds since 1970-01-01 UTC. */
export const EpochMs = Type.Integer({ minimum: 0, description: "Milliseconds since 1970-01-01 UTC." });

/** An integer from 0. */
export const Count = Type.Integer({ minimum: 0 });

/** An integer from 1. */
export const Positive = Type.Integer({ minimum: 1 });

/** An object that refuses unknown keys. Everything a client sends is closed (wire protocol, notation). */
export function closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** An object whose unknown keys are kept and visible to the type checker as `unknown`. */
export function open<P extends TProperties>(properties: P): TUnsafe<Static<TObject<P>> & Record<string, unknown>> {
  return Type.Unsafe(Type.Object(properties, { additionalProperties: true }));
}

/** One of several strings as a JSON Schema `enum`: one located error per wrong value. */
export function oneOf<const V extends readonly string[]>(values: V, description?: string): TUnsafe<V[number]> {
  return Type.Unsafe({ type: "string", enum: [...values], ...(description === undefined ? {} : { description }) });
}

/** Params of a method that takes none. */
export const NoParams = closed({});

/** The answer of a method whose only news is that it worked. */
export const Done = Type.Object({ ok: Type.Literal(true) });

/**
 * A session key as a client may write it: `main`, `global` or `agent:<agentId>:<rest>` (wire protocol 5.4).
 * Keys in results are canonical.
 */
export const SessionKeyText = Type.String({ minLength: 1 });

/** A session label, 1 to 64 characters. */
export const Label = Type.String({ minLength: 1, maxLength: 64 });

import { type Static, Type } from "@sinclair/typebox";
import { ErrorShape } from "./errors.ts";

/** Versions of the two snapshots that `presence` and `health` events carry; both start at 1. */
export const StateVersion = Type.Object(
  { presence: Type.Integer({ minimum: 0 }), health: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
export type StateVersion = Static<typeof StateVersion>;

/** Client to gateway. `traceparent` is accepted in version 4 only, where unknown keys are ignored anyway. */
export const RequestFrame = Type.Object(
  {
    type: Type.Literal("req"),
    id: Type.String({ minLength: 1 }),
    method: Type.String({ minLength: 1 }),
    params: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
);
export type RequestFrame = Static<typeof RequestFrame>;

/** Gateway to client, one or (for two-phase methods) two per request. */
export const ResponseFrame = Type.Object(
  {
    type: Type.Literal("res"),
    id: Type.String({ minLength: 1 }),
    ok: Type.Boolean(),
    payload: Type.Optional(Type.Unknown()),
    error: Type.Optional(ErrorShape),
  },
  { additionalProperties: false },
);
export type ResponseFrame = Static<typeof ResponseFrame>;

/** Gateway to client, unasked. `seq` counts per connection from 1; targeted events carry none. */
export const EventFrame = Type.Object(
  {
    type: Type.Literal("event"),
    event: Type.String({ minLength: 1 }),
    payload: Type.Optional(Type.Unknown()),
    seq: Type.Optional(Type.Integer({ minimum: 0 })),
    stateVersion: Type.Optional(StateVersion),
  },
  { additionalProperties: false },
);
export type EventFrame = Static<typeof EventFrame>;

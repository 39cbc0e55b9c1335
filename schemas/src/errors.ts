import { type Static, Type } from "@sinclair/typebox";

/**
 * Every error code that may cross the wire, with its default sentence and whether a client may repeat the call unchanged.
 * Source: wire protocol sections 4 (version 3) and 11.4 (additions of version 4).
 */
export const ERROR_CODES = {
  NOT_LINKED: { retryable: false, sentence: "the channel is not linked to an account" },
  NOT_PAIRED: { retryable: false, sentence: "this device must be paired first" },
  AGENT_TIMEOUT: { retryable: true, sentence: "the agent did not answer in time" },
  INVALID_REQUEST: { retryable: false, sentence: "the request is not valid" },
  UNAVAILABLE: { retryable: true, sentence: "the gateway cannot do this right now" },
  FORBIDDEN: { retryable: false, sentence: "the connection lacks a scope" },
  APPROVAL_NOT_FOUND: { retryable: false, sentence: "no such approval" },
} as const satisfies Record<string, { retryable: boolean; sentence: string }>;

/** A code of the closed table above. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The error object of a response frame. `retryAfterMs` is in milliseconds. */
export const ErrorShape = Type.Object(
  {
    code: Type.String({ minLength: 1 }),
    message: Type.String({ minLength: 1 }),
    details: Type.Optional(Type.Unknown()),
    retryable: Type.Optional(Type.Boolean()),
    retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type ErrorShape = Static<typeof ErrorShape>;

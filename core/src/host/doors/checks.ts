import { type TSchema, Type } from "openclaw-host-sdk";
import { type Check, describeIssues, lazyCheck } from "../../base/validator.ts";
import type { GuestMethods } from "../line/guest-methods.ts";
import type { Inspect } from "../line/handlers.ts";
import type { HostMethods } from "../line/host-methods.ts";
import { isClosed } from "../line/message.ts";
import { STREAM_CHUNK_BYTES } from "../line/streams.ts";
import {
  capabilities,
  loadOutcome,
  mediaRef,
  agentEvent,
  peer,
  probeResult,
  receipt,
  renderedPart,
  streamIds,
} from "./shapes.ts";

/** Limits of the guest's store: key in characters, value and batch in bytes. */
export const STORE_LIMITS = { keyChars: 512, valueBytes: 1_048_576, keys: 1_000, batchBytes: 16_777_216 } as const;
/** Events of one `receive`. */
export const MAX_RECEIVE_BATCH = 1_000;
/** An opaque position in the platform's stream, not a place for data. */
export const MAX_CURSOR_CHARS = 4_096;
/** Of texts in health; they are shown in status tables. */
const MAX_LOG_CHARS = 16_384;
/** Platform messages that one part can become; an album has ten. */
const MAX_RECEIPT_IDS = 100;
/** Events one pull may bring; a guest sends what fits its window. */
const MAX_PULLED_EVENTS = 1_000;

/** What is wrong with a value, or undefined. */
type Verdict = (value: unknown) => string | undefined;

/** The shape of a value, told by a schema. The interpreter of the validator accepts most without compiling anything. */
function shaped(schema: TSchema, more: Verdict = () => undefined): Verdict {
  const check: Check = lazyCheck(schema, { interpretFirst: true });
  return (value) => {
    const issues = check(value);
    return issues.length > 0 ? describeIssues(issues) : more(value);
  };
}

const Context = Type.String({ maxLength: 64 });
const Key = Type.String({ maxLength: STORE_LIMITS.keyChars });
/** Every call of a guest names the context in whose name it comes. */
const inContext = (fields: Record<string, TSchema> = {}): TSchema => Type.Object({ context: Context, ...fields });
const anything: Verdict = () => undefined;
const streamHandle = shaped(Type.Object({ stream: Type.Integer({ minimum: 0 }) }));

/** A value whose shape was checked before. */
interface Fields {
  readonly [key: string]: unknown;
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

/** Bytes cannot be told by a schema; the sum matters besides. */
function batchVerdict(value: unknown): string | undefined {
  const ops = (value as Fields)["ops"] as readonly Fields[];
  if (ops.length > STORE_LIMITS.keys) return `at most ${STORE_LIMITS.keys} changes fit in one batch`;
  let total = 0;
  for (const { value: bytes } of ops) {
    if (bytes === null) continue;
    if (!(bytes instanceof Uint8Array)) return "a stored value is not bytes";
    if (bytes.length > STORE_LIMITS.valueBytes) return `a stored value is larger than ${STORE_LIMITS.valueBytes} bytes`;
    total += bytes.length;
  }
  return total > STORE_LIMITS.batchBytes ? `a batch is larger than ${STORE_LIMITS.batchBytes} bytes` : undefined;
}

/** The interpreter of schemas knows no limit of entries, so it is asked here. */
const atMost =
  (field: string, limit: number): Verdict =>
  (value) =>
    lengthOf((value as Fields)[field]) > limit ? `${field} has more than ${limit} entries` : undefined;

/** Names and values in order; the same name may come again. */
const Headers = Type.Array(Type.Array(Type.String({ maxLength: 65_536 })));

/** Every method a guest can call has its line here; a method without one does not compile. */
const PARAMS: { readonly [M in keyof HostMethods]: Verdict } = {
  "store.get": shaped(inContext({ keys: Type.Array(Key) }), atMost("keys", STORE_LIMITS.keys)),
  "store.list": shaped(
    inContext({
      prefix: Key,
      after: Type.Optional(Key),
      limit: Type.Integer({ minimum: 1, maximum: STORE_LIMITS.keys }),
    }),
  ),
  "store.batch": shaped(
    inContext({ ops: Type.Array(Type.Object({ key: Key, value: Type.Unsafe<unknown>({}) })) }),
    batchVerdict,
  ),
  "media.put": shaped(
    inContext({
      file: Type.String({ maxLength: 64 }),
      mime: Type.Optional(Type.String({ maxLength: 256 })),
      name: Type.Optional(Type.String({ maxLength: 1_024 })),
    }),
  ),
  "media.open": shaped(inContext({ ref: Type.String({ maxLength: 64 }) })),
  fetch: shaped(
    inContext({
      url: Type.String({ maxLength: 65_536 }),
      method: Type.String({ maxLength: 32 }),
      headers: Headers,
      body: Type.Optional(Type.Integer({ minimum: 0 })),
      redirect: Type.Unsafe<string>({ enum: ["follow", "manual", "error"] }),
    }),
  ),
  dir: shaped(inContext()),
  "account.receive": shaped(
    inContext({
      batch: Type.Array(Type.Unsafe<unknown>({})),
      cursor: Type.Optional(Type.String({ maxLength: MAX_CURSOR_CHARS })),
    }),
    atMost("batch", MAX_RECEIVE_BATCH),
  ),
  "account.cursor": shaped(inContext()),
  "account.health": shaped(
    inContext({
      health: Type.Object({
        state: Type.Unsafe<string>({ enum: ["starting", "ready", "degraded", "logged-out", "failed"] }),
        detail: Type.Optional(Type.String({ maxLength: MAX_LOG_CHARS })),
        fix: Type.Optional(Type.String({ maxLength: MAX_LOG_CHARS })),
        lastRoundTripAt: Type.Optional(Type.Number()),
      }),
    }),
  ),
  "connection.closed": shaped(inContext({ closed: Type.Unsafe<unknown>({}) }), (value) =>
    isClosed((value as Fields)["closed"]) ? undefined : "closed has not the shape of the contract",
  ),
  log: shaped(
    inContext({
      level: Type.Unsafe<string>({ enum: ["debug", "info", "warn", "error"] }),
      message: Type.String(),
      fields: Type.Optional(Type.Object({})),
    }),
  ),
  fault: shaped(Type.Object({ message: Type.String() })),
  "stream.read": streamHandle,
  "stream.cancel": streamHandle,
};

/** Null is the end of a stream. */
const chunkVerdict: Verdict = (value) =>
  value === null || (value instanceof Uint8Array && value.length <= STREAM_CHUNK_BYTES)
    ? undefined
    : "a chunk is bytes of a bounded size";

const orNull = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()]);

/** Answers nobody looks at need no shape. */
const RESULTS: { readonly [M in keyof GuestMethods]: Verdict } = {
  load: shaped(loadOutcome),
  ping: anything,
  "channel.probe": shaped(probeResult),
  "channel.capabilities": shaped(capabilities),
  "channel.connect": shaped(
    Type.Array(Type.Unsafe<string>({ enum: ["reconcile", "fetchMedia", "typing", "openStream"] })),
  ),
  "channel.render": shaped(Type.Array(renderedPart)),
  "channel.parseTarget": shaped(orNull(peer)),
  "connection.send": shaped(receipt, atMost("ids", MAX_RECEIPT_IDS)),
  "connection.reconcile": shaped(
    Type.Union([receipt, Type.Literal("absent"), Type.Literal("unknown")]),
    atMost("ids", MAX_RECEIPT_IDS),
  ),
  "connection.fetchMedia": shaped(mediaRef),
  "connection.typing": anything,
  // Without an id a draft could be neither finished nor taken back.
  "connection.openStream": shaped(streamIds, (value) =>
    lengthOf(value) < 1 || lengthOf(value) > MAX_RECEIPT_IDS ? `a draft has 1 to ${MAX_RECEIPT_IDS} ids` : undefined,
  ),
  "connection.pushStream": anything,
  "connection.finishStream": shaped(receipt, atMost("ids", MAX_RECEIPT_IDS)),
  "connection.abortStream": anything,
  "connection.drain": anything,
  "turn.start": anything,
  "turn.pull": shaped(
    Type.Object({ events: Type.Array(agentEvent), over: Type.Boolean() }),
    atMost("events", MAX_PULLED_EVENTS),
  ),
  "turn.abort": anything,
  "stream.read": chunkVerdict,
  "stream.cancel": anything,
  stop: anything,
};

/** Says what is wrong with what a guest asks for. */
export const inspectParams: Inspect<HostMethods> = (method, value) => PARAMS[method](value);

/** Says what is wrong with what a guest answers. */
export const inspectResult: Inspect<GuestMethods> = (method, value) => RESULTS[method](value);

import { RequestFrame } from "openclaw-host-schemas";
import { type Issue, lazyCheck } from "../base/validator.ts";
import { LIMITS } from "./limits.ts";

/** What came out of one message: a JSON value, or nothing when it is not JSON. */
export type Decoded = { readonly json: unknown } | undefined;

/** Messages are JSON text; binary ones are read as UTF-8 too (wire protocol section 1). */
export function decode(data: Buffer): Decoded {
  try {
    return { json: JSON.parse(data.toString()) as unknown };
  } catch {
    return undefined;
  }
}

export type RequestReading =
  | { readonly ok: true; readonly frame: RequestFrame }
  /** `id` is the request's, or `"invalid"` when it has none that can be echoed (wire protocol section 4). */
  | { readonly ok: false; readonly id: string; readonly issues: readonly Issue[] };

const strict = lazyCheck(RequestFrame);
const open = lazyCheck(RequestFrame, { removeUnknown: true });
const FRAME_KEYS: ReadonlySet<string> = new Set(["type", "id", "method", "params"]);

/** A request frame, or what is wrong with it. `closed` refuses unknown keys: the way of version 3. */
export function readRequest(json: unknown, closed: boolean): RequestReading {
  // Every request passes here: the schema is asked only to explain what this guard refuses.
  if (isRequest(json) && (!closed || hasOnlyKnownKeys(json))) return { ok: true, frame: json };
  const issues = (closed ? strict : open)(json);
  return { ok: false, id: idOf(json), issues };
}

function isRequest(json: unknown): json is RequestFrame {
  if (typeof json !== "object" || json === null) return false;
  const frame = json as Partial<Record<keyof RequestFrame, unknown>>;
  return frame.type === "req" && isText(frame.id) && isText(frame.method);
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

function hasOnlyKnownKeys(frame: object): boolean {
  for (const key in frame) if (!FRAME_KEYS.has(key)) return false;
  return true;
}

function idOf(json: unknown): string {
  const id: unknown = typeof json === "object" && json !== null && "id" in json ? json.id : undefined;
  return isText(id) ? id : "invalid";
}

const frozen = new WeakMap<object, string>();

/** JSON of a payload. A frozen object is taken as final and serialised once, however often it is sent. */
export function payloadJson(payload: unknown): string | undefined {
  if (typeof payload !== "object" || payload === null || !Object.isFrozen(payload)) return JSON.stringify(payload);
  let json = frozen.get(payload);
  if (json === undefined) {
    json = JSON.stringify(payload);
    frozen.set(payload, json);
  }
  return json;
}

/** A response frame around a payload that is JSON already. */
export function successFrame(id: string, payload: string | undefined): string {
  const head = `{"type":"res","id":${JSON.stringify(id)},"ok":true`;
  return payload === undefined ? `${head}}` : `${head},"payload":${payload}}`;
}

export function failureFrame(id: string, error: object, payload?: unknown): string {
  return JSON.stringify({ type: "res", id, ok: false, ...(payload === undefined ? {} : { payload }), error });
}

/** A close reason that fits into the frame, cut between characters. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= LIMITS.closeReasonBytes) return text;
  let end = LIMITS.closeReasonBytes;
  const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
  while (isContinuation(bytes[end])) end -= 1;
  return bytes.subarray(0, end).toString();
}

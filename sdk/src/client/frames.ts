import type { EventFrame, ResponseFrame } from "openclaw-host-schemas";
import type { GatewayErrorData } from "./errors.ts";

/** A frame from the gateway, parsed as far as this client depends on it. Payloads are trusted: the gateway checked them. */
export type IncomingFrame = ResponseFrame | EventFrame;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Undefined for anything that is not a response or an event, so that later frame types harm nobody. */
export function parseFrame(text: string): IncomingFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (value.type === "res" && typeof value.id === "string" && typeof value.ok === "boolean")
    return value as ResponseFrame;
  if (value.type === "event" && typeof value.event === "string") return value as EventFrame;
  return undefined;
}

/** The error of a failed response; a gateway that sends none still yields a readable one. */
export function errorOf(frame: ResponseFrame): GatewayErrorData {
  const error = frame.error;
  return error ?? { code: "UNAVAILABLE", message: "the gateway refused the request without saying why" };
}

/** `payload.status` of a response, as two-phase methods use it (wire protocol section 4.2). */
export function statusOf(payload: unknown): string | undefined {
  return isRecord(payload) && typeof payload.status === "string" ? payload.status : undefined;
}

export interface Challenge {
  readonly nonce: string;
  readonly ts: number | undefined;
}

/** The payload of `connect.challenge`, or undefined when it has no usable nonce. */
export function parseChallenge(payload: unknown): Challenge | undefined {
  if (!isRecord(payload) || typeof payload.nonce !== "string" || payload.nonce.trim() === "") return undefined;
  const { ts } = payload;
  return { nonce: payload.nonce, ts: typeof ts === "number" && Number.isInteger(ts) && ts >= 0 ? ts : undefined };
}

/** Official gateways tick every 30 s when they do not say otherwise (wire protocol section 12). */
const DEFAULT_TICK_MS = 30_000;

/** How often the gateway promises to send `tick`, ms. */
export function tickIntervalOf(hello: unknown): number {
  const policy = isRecord(hello) ? hello.policy : undefined;
  const interval = isRecord(policy) ? policy.tickIntervalMs : undefined;
  return typeof interval === "number" && interval > 0 ? interval : DEFAULT_TICK_MS;
}

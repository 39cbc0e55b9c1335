import { expect } from "./findings.ts";
import type { Recorder } from "./recorder.ts";

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** `details.code` of the last refusal of a `connect`; "let in" when there was none. */
export function refusalCode(tunnel: Recorder): string {
  const refusal = tunnel.lastRefusal();
  if (refusal === undefined) return "let in";
  const { details } = refusal;
  return isRecord(details) ? String(details["code"]) : String(refusal["code"]);
}

/** Throws unless the last `connect` was refused with this code; returns what the client was told. */
export function expectRefusal(tunnel: Recorder, code: string): string {
  const refusal = tunnel.lastRefusal();
  expect(refusalCode(tunnel) === code, () => `expected ${code}, but got ${JSON.stringify(refusal ?? "let in")}`);
  return `${code}: ${String(refusal?.["message"])}`;
}

/** Throws unless the last `connect` proved itself by a device token alone. */
export function expectDeviceToken(tunnel: Recorder, sharedToken: string): void {
  const params = tunnel.lastConnect();
  const auth = isRecord(params?.["auth"]) ? params["auth"] : {};
  const presented = auth["deviceToken"] ?? auth["token"];
  const sent = Object.keys(auth).join(", ") || "nothing";
  expect(typeof presented === "string" && presented !== sharedToken, () => `no device token was sent, but ${sent}`);
  expect(auth["token"] !== sharedToken, () => "the shared token was sent as well");
}

/** How long after the owner's command was answered the last connection was closed, ms; negative when before. Throws after 1 s. */
export function expectClosedSince(tunnel: Recorder, { connection, at }: { connection: number; at: number }): string {
  const close = tunnel.closes.find((candidate) => candidate.connection === connection);
  expect(close !== undefined, () => `connection ${connection} is still open`);
  const late = (close?.at ?? 0) - at;
  expect(close?.by === "gateway" && late < 1_000, () => `closed by ${close?.by} after ${Math.round(late)} ms`);
  return `closed ${close?.code} "${close?.reason}" ${Math.round(late)} ms after the command's answer`;
}

/** The number of the newest connection. */
export const newest = (tunnel: Recorder): number => tunnel.passed.at(-1)?.connection ?? 0;

/** Id of the device that showed itself in the last `connect`. */
export function lastDevice(tunnel: Recorder): string {
  const device = tunnel.lastConnect()?.["device"];
  return isRecord(device) ? String(device["id"]) : "none";
}

import type { Closed, ProbeResult } from "openclaw-host-sdk";
import type { Identity } from "./account-state.ts";

/** Ends an attempt; the message is the reason the owner reads. */
export function failure(code: string, detail: string, fix?: string): Closed {
  return { retry: "backoff", code, detail, ...(fix === undefined ? {} : { fix }) };
}

/** Who an account is, from the answer of `probe`, or why it may not connect. */
export function identityOf(probe: ProbeResult, channel: string): Identity | Closed {
  if (!probe.ok) return failure("probe", probe.detail ?? `${channel} did not accept the account`, probe.fix);
  const { self } = probe;
  if (self === undefined || typeof self.id !== "string" || self.id === "") {
    return failure("no-identity", `the ${channel} extension did not say who the account is; report this to its author`);
  }
  return { self, lease: probe.lease ?? self.id };
}

export const isClosed = (value: Identity | Closed): value is Closed => "retry" in value;

import type { AgentEventPayload, ChatEventPayload, ErrorShape } from "openclaw-host-schemas";
import { isBrowserClient } from "../../auth/origin.ts";
import type { Refusal } from "../../auth/refusal.ts";
import type { ClientClaim, Dialect } from "./dialect.ts";
import { BROWSER_HINTS, type Hints, OTHER_HINTS, type RefusalStyle, refusalError } from "./refusals.ts";

const CLI_HINTS: Hints = {
  token: "set gateway.remote.token to match gateway.auth.token",
  password: "set gateway.remote.password to match gateway.auth.password",
};

export const isCli = (client: ClientClaim): boolean => client.id === "cli" || client.mode === "cli";

const style: RefusalStyle = {
  hints: (client) => (isCli(client) ? CLI_HINTS : isBrowserClient(client) ? BROWSER_HINTS : OTHER_HINTS),
  deviceCode: () => "DEVICE_AUTH_INVALID",
  pairingText: () => "pairing required",
  originDetails: () => undefined,
  unauthorizedDetails: () => ({}),
  rateLimitedDetails: {},
};

/** To version 3 a good device token that covers too few scopes is a wrong one (wire protocol 2.6). */
function knownRefusal(refusal: Refusal): Refusal {
  if (refusal.kind !== "unauthorized" || refusal.reason !== "scope_mismatch") return refusal;
  return { ...refusal, reason: "device_token_mismatch" };
}

/** The codes that version 4 added, and what version 3 says instead (wire protocol 11.4). */
function knownError(error: ErrorShape): ErrorShape {
  if (error.code !== "FORBIDDEN" && error.code !== "APPROVAL_NOT_FOUND") return error;
  return { code: "INVALID_REQUEST", message: error.message };
}

/** The closed schema of `chat` events (wire protocol 4.4). */
function chat(payload: ChatEventPayload): object | undefined {
  // Version 3 knows no progress states.
  if (payload.state === "status") return undefined;
  const { runId, sessionKey, seq, state } = payload;
  const frame = { runId, sessionKey, seq, state };
  if (state === "error") return { ...frame, errorMessage: payload.errorMessage };
  if (state === "delta") return { ...frame, message: payload.message };
  const { message, usage, stopReason } = payload;
  return { ...frame, message, usage, stopReason };
}

/** Key order as its clients see it (wire protocol 4.3). */
function agentEvent({ runId, stream, data, sessionKey, seq, ts }: AgentEventPayload): object | undefined {
  if (stream === "lifecycle" && data.phase === "model") return undefined;
  if (stream !== "assistant") return { runId, stream, data, sessionKey, seq, ts };
  const { itemId: _added, ...known } = data;
  return { runId, stream, data: known, sessionKey, seq, ts };
}

/** A repeat is told the acceptance again (wire protocol 4.1), and acceptances name no session. */
function agentResult(payload: { status: string; runId: string; acceptedAt?: number }): object {
  if (payload.status !== "accepted" && payload.status !== "in_flight") return payload;
  return { runId: payload.runId, status: "accepted", acceptedAt: payload.acceptedAt };
}

/** Protocol 3, as shipped in 2026.2: strict, and with fewer error codes and keys. */
export const v3: Dialect = {
  version: 3,
  closed: true,
  mismatchDetails: () => ({ expectedProtocol: 3 }),
  refusal: (refusal, client) => refusalError(knownRefusal(refusal), client, style),
  error: knownError,
  // About the token and not the connection: clients keep both together (wire protocol section 3).
  auth({ device, role }) {
    if (device === undefined) return undefined;
    return { deviceToken: device.token, role, scopes: device.scopes.toSorted(), issuedAtMs: device.issuedAtMs };
  },
  snapshot: (snapshot) => snapshot,
  events: { chat, agent: agentEvent },
  results: { agent: agentResult },
  paramsTexts: { "system-event": "text required" },
};

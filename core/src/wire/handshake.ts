import {
  type ConnectParams,
  connectParamsFor,
  type ErrorShape,
  type ProtocolVersion,
  type Snapshot,
} from "openclaw-host-schemas";
import type { Admission, Authenticator, Verdict } from "../auth/authenticator.ts";
import type { Caller } from "../auth/caller.ts";
import { isLoopbackAddress } from "../auth/addresses.ts";
import type { Logger } from "../base/log.ts";
import { type Check, describeIssues, lazyCheck } from "../base/validator.ts";
import { decode, failureFrame, readRequest, successFrame } from "./codec.ts";
import type { Connection } from "./connection.ts";
import type { ClientClaim, Dialect } from "./dialects/dialect.ts";
import { v3 } from "./dialects/v3.ts";
import { v4 } from "./dialects/v4.ts";
import type { Greeting } from "./hello.ts";

export interface HandshakeParts {
  readonly authenticator: Authenticator;
  /** What the newcomer is told of the gateway; called after it has been admitted. */
  readonly snapshot: (caller: Caller) => Snapshot;
  /** Runs before the snapshot is taken, so that the newcomer sees itself in it. */
  readonly onAdmitted: (caller: Caller) => void;
  readonly hello: (greeting: Greeting) => string;
  /** The connection has become ready and hello-ok is on its way. */
  readonly onReady: (connection: Connection, caller: Caller, dialect: Dialect) => void;
  readonly log: Logger;
}

/** Takes the first message of a connection: a valid `connect`, or the connection ends (wire protocol 1.1, 2.6). */
export type Handshake = (connection: Connection, data: Buffer) => void;

const DIALECTS: Readonly<Record<ProtocolVersion, Dialect>> = { 3: v3, 4: v4 };
const OLDEST: ProtocolVersion = 3;
const NEWEST: ProtocolVersion = 4;

/** The first connection must not wait until the schema is compiled. */
const paramsChecks: Readonly<Record<ProtocolVersion, Check>> = {
  3: lazyCheck(connectParamsFor(3), { interpretFirst: true }),
  4: lazyCheck(connectParamsFor(4), { interpretFirst: true }),
};

interface Attempt {
  readonly connection: Connection;
  readonly id: string;
  readonly params: ConnectParams;
  readonly dialect: Dialect;
}

export function createHandshake(parts: HandshakeParts): Handshake {
  function admit({ connection, id, params, dialect }: Attempt, admission: Admission): void {
    const caller = callerOf(connection, params, { dialect, admission });
    parts.onAdmitted(caller);
    const { session, deviceToken } = admission;
    const { scopes = [], issuedAt: issuedAtMs = 0 } = session.grant ?? {};
    const device = deviceToken === undefined ? undefined : { token: deviceToken, scopes, issuedAtMs };
    const granted = { role: session.role, scopes: session.scopes, ...(device === undefined ? {} : { device }) };
    const payload = parts.hello({ dialect, connId: connection.id, granted, snapshot: parts.snapshot(caller) });
    connection.send(successFrame(id, payload));
    parts.onReady(connection, caller, dialect);
  }

  function conclude(attempt: Attempt, verdict: Verdict): void {
    if (attempt.connection.state.at !== "challenged") return;
    if (verdict.ok) return admit(attempt, verdict);
    const { connection, id, dialect, params } = attempt;
    const { refusal } = verdict;
    const error = dialect.refusal(refusal, params.client);
    parts.log.info("refused a connection", { conn: connection.id, client: params.client.id, why: error.message });
    refuse(connection, { id, error, code: refusal.kind === "unavailable" ? 1013 : 1008 });
  }

  async function concludeLater(attempt: Attempt, verdict: Promise<Verdict>): Promise<void> {
    attempt.connection.deciding();
    try {
      conclude(attempt, await verdict);
    } catch (error) {
      giveUp(attempt.connection, error);
    }
  }

  /** A bug must cost one connection and not the process. */
  function giveUp(connection: Connection, error: unknown): void {
    parts.log.error("a connection failed while it was admitted", { conn: connection.id, error });
    connection.close(1011, "internal error");
  }

  function begin(connection: Connection, data: Buffer, nonce: string): void {
    const attempt = readConnect(connection, data);
    if (attempt === undefined) return;
    const verdict = parts.authenticator.authenticate({ params: attempt.params, peer: connection.peer, nonce });
    if (verdict instanceof Promise) void concludeLater(attempt, verdict);
    else conclude(attempt, verdict);
  }

  return (connection, data) => {
    const { state } = connection;
    if (state.at !== "challenged") return;
    try {
      begin(connection, data, state.nonce);
    } catch (error) {
      giveUp(connection, error);
    }
  };
}

/** The connect request, or undefined when the connection was closed because there is none. */
function readConnect(connection: Connection, data: Buffer): Attempt | undefined {
  const decoded = decode(data);
  if (decoded === undefined) return hangUp(connection, 1000);
  const claimed = claimedVersions(decoded.json);
  const reading = readRequest(decoded.json, dialectFor(claimed?.max).closed);
  if (!reading.ok) return hangUp(connection, 1008, "invalid request frame");
  const { id, method, params } = reading.frame;
  const invalid = (message: string): undefined =>
    refuse(connection, { id, error: { code: "INVALID_REQUEST", message }, code: 1008 });
  if (method !== "connect") return invalid("invalid handshake: first request must be connect");
  const dialect = dialectFor(claimed?.max);
  const issues = paramsChecks[dialect.version](params);
  if (issues.length > 0) return invalid(`invalid connect params: ${describeIssues(issues)}`);
  if (claimed !== undefined && !overlaps(claimed)) {
    const details = (claimed.min > NEWEST ? v4 : dialect).mismatchDetails(claimed);
    const error = { code: "INVALID_REQUEST", message: "protocol mismatch", details };
    return refuse(connection, { id, error, code: 1002 });
  }
  return { connection, id, params: params as ConnectParams, dialect };
}

interface Versions {
  readonly min: number;
  readonly max: number;
}

const overlaps = ({ min, max }: Versions): boolean => max >= OLDEST && min <= Math.min(NEWEST, max);

/** Version 4 unless the client's newest is older (wire protocol section 0, "Versions"). */
const dialectFor = (max: number | undefined): Dialect => DIALECTS[max !== undefined && max >= NEWEST ? NEWEST : OLDEST];

/** Read before the schema is known, since the version decides which schema it is. */
function claimedVersions(json: unknown): Versions | undefined {
  const params = isRecord(json) ? json["params"] : undefined;
  if (!isRecord(params)) return undefined;
  const { minProtocol: min, maxProtocol: max } = params;
  return typeof min === "number" && typeof max === "number" ? { min, max } : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function refuse(
  connection: Connection,
  { id, error, code }: { readonly id: string; readonly error: ErrorShape; readonly code: number },
): undefined {
  connection.send(failureFrame(id, error));
  return hangUp(connection, code, error.message);
}

function hangUp(connection: Connection, code: number, reason = ""): undefined {
  connection.close(code, reason);
}

type ClientFacts = Caller["client"] & ClientClaim;

function callerOf(
  connection: Connection,
  params: ConnectParams,
  { dialect, admission }: { readonly dialect: Dialect; readonly admission: Admission },
): Caller {
  const { session } = admission;
  const { address } = connection.peer;
  return {
    connId: connection.id,
    role: session.role,
    scopes: session.scopes,
    identity: session.identity,
    client: clientFacts(params.client),
    caps: params.caps ?? [],
    protocol: dialect.version,
    ...(isLoopbackAddress(address) ? {} : { remoteIp: address }),
  };
}

function clientFacts(client: ConnectParams["client"]): ClientFacts {
  const { id, mode, version, platform, displayName, deviceFamily, modelIdentifier, instanceId } = client;
  return {
    id,
    mode,
    version,
    platform,
    ...(displayName === undefined ? {} : { displayName }),
    ...(deviceFamily === undefined ? {} : { deviceFamily }),
    ...(modelIdentifier === undefined ? {} : { modelIdentifier }),
    ...(instanceId === undefined ? {} : { instanceId }),
  };
}
